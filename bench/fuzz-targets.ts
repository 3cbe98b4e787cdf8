import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { assertLocalCaller, bearerOf } from '../src-main/api/guard.ts'
import { redactFacts, redactText } from '../src-main/api/redact.ts'
import { RecordSlots, encodeSlot } from '../src-main/pieces/record-slots.ts'
import { decodeSidecar, encodeSidecar, fromJson } from '../src-main/cache/sidecar.ts'
import { fileNameFromUrl } from '../src-main/client/file-name.ts'
import type { ContentKey, PeerId, Sha256Hex } from '../src-main/contract/ids.ts'
import { RequestSpec } from '../src-main/contract/request.ts'
import { hasCode } from '../src-main/lib/errors.ts'
import { systemClock } from '../src-main/lib/clock.ts'
import { cachingRules } from '../src-main/origin/caching.ts'
import { codingOf } from '../src-main/origin/coding.ts'
import { parseIntegrity } from '../src-main/origin/integrity.ts'
import { parseLinks } from '../src-main/origin/link-header.ts'
import { metalinkUrl, sha256FromMetalink } from '../src-main/origin/metalink.ts'
import { ChainCookies, nextHop } from '../src-main/origin/redirects.ts'
import { mendHead } from '../src-main/origin/mend-head.ts'
import { readTarget } from '../src-main/api/gateway/target.ts'
import { isMade, makeEdit, undoEdit, type Edit } from '../src-main/integrate/edits.ts'
import { statusFailure } from '../src-main/origin/failures.ts'
import { isSignedUrl } from '../src-main/origin/private-by-default.ts'
import { fileNameOf, hostOf, normaliseUrl, separateCredentials } from '../src-main/origin/url.ts'
import { answersVersion, versionOf } from '../src-main/origin/version.ts'
import { readDenyList, signDenyList } from '../src-main/peers/fleet/deny-list.ts'
import { HeadReader } from '../src-main/peers/exchange/answer-head.ts'
import { encodeBeacon, looksLikeBeacon, openBeacon, sealed } from '../src-main/peers/discovery/beacon-message.ts'
import { BeaconFilter } from '../src-main/peers/discovery/beacon-filter.ts'
import { parseMacosLinks } from '../src-main/machine/link-probe-macos.ts'
import { defaultOf, defaultOf6, parseMetered } from '../src-main/machine/link-probe-linux.ts'
import { parseWindowsLinks } from '../src-main/machine/link-probe-windows.ts'
import { siteKeyMembership } from '../src-main/peers/fleet/membership.ts'
import { makeDevice } from '../src-main/testing/device.ts'
import { PEER_PROTOCOL } from '../src-main/contract/version.ts'
import { newSiteKey } from '../src-main/peers/fleet/site-key.ts'
import { KnowledgeProofs, knowledgeWith } from '../src-main/peers/exchange/knowledge.ts'
import { parsePiecesPath, piecesPath } from '../src-main/peers/exchange/piece-request.ts'
import { PieceStream } from '../src-main/peers/exchange/piece-stream.ts'
import { parseSeed } from '../src-main/peers/discovery/seed.ts'
import { PieceBuffers } from '../src-main/pieces/piece-buffers.ts'
import { planPieces } from '../src-main/pieces/plan.ts'
import { decodeRecord, encodeRecord, type PieceRecord } from '../src-main/pieces/record.ts'
import { parseAssignment } from '../src-main/settings/assignment.ts'
import { parsePolicy } from '../src-main/settings/policy-file.ts'
import { parseUserSettings } from '../src-main/settings/user-file.ts'
import { mapFrom } from '../src-main/transfers/swarm.ts'
import { mutateBytes, mutateJson, type SeededRandom } from '../src-main/testing/mutate.ts'
import { FromHub, ToHub } from '../src-main/contract/hub-messages.ts'
import { makeCard, readCard } from '../src-main/peers/far/contact-card.ts'
import { hubVictim, parsed } from './fuzz-hub.ts'
import { someProvenance, trustTargets } from './fuzz-trust.ts'
import { controlSeeds, ControlVictim } from './fuzz-control.ts'

/** One parser, or one part of an agent behind its parsers. */
export interface FuzzTarget {
  readonly name: string
  /** Valid messages to start from. */
  readonly seeds: readonly Buffer[]
  /** Told apart from bytes because a changed value gets deeper than a changed byte. */
  readonly json?: boolean
  /**
   * Takes one message. Returns, or throws an expected error (a LarderError that is not INTERNAL, see {@link isExpected}).
   * A check that fails throws something else.
   */
  feed(message: Buffer): void
}

/** Refusing is what parsers are for; everything else that is thrown is a defect. */
export function isExpected(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'LarderError' && !hasCode(thrown, 'INTERNAL')
}

/** The next message for a target. */
export function nextMessage(target: FuzzTarget, random: SeededRandom): Buffer {
  const seed = random.of(target.seeds)
  if (target.json && random.below(3) > 0)
    return Buffer.from(JSON.stringify(mutateJson(JSON.parse(seed.toString()), random)) ?? '')
  return mutateBytes(seed, random.of(target.seeds), random)
}

const key = `version:${'5a'.repeat(32)}` as ContentKey
const sha256 = 'ab'.repeat(32) as Sha256Hex
const signer = 'c1'.repeat(32) as PeerId

/** All targets, with state of their own: a new set is a new run. */
export function fuzzTargets(): FuzzTarget[] {
  return [...peerTargets(), ...trustTargets(), ...diskTargets(), ...originTargets(), ...localTargets()]
}

function peerTargets(): FuzzTarget[] {
  const membership = siteKeyMembership(newSiteKey())
  const beacon = encodeBeacon(
    { bootId: '11'.repeat(8) as never, port: 4726, counter: 7, goodbye: false, replyWanted: true },
    membership,
    makeDevice()
  )
  const plain = membership.openBeacon(beacon.subarray(0, 5), beacon.subarray(5, 17), beacon.subarray(17))!
  const filter = new BeaconFilter(systemClock)
  const plan = planPieces(2500)
  const buffers = new PieceBuffers(systemClock)
  const answer = Buffer.concat([encodeRecord(recordOf(0)), Buffer.alloc(2500, 1)])
  const control = new ControlVictim()
  const proofs = new KnowledgeProofs(knowledgeWith(() => Buffer.alloc(32, 5)))
  const channel = { destroyed: false, exportKeyingMaterial: () => Buffer.alloc(32, 6) } as unknown as TLSSocket
  const knowsProof = proofs.prove(channel, key)!
  const credential = membership.vouch(Buffer.alloc(91, 3))
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const device = makeDevice()
  const card = makeCard(device, 7, [
    { address: '10.1.2.3', port: 4726 },
    { address: 'fd00::7', port: 4726 }
  ])
  const { hub, toHub, fromHub } = hubVictim(card.toString('base64url'), signer)
  const caPublicKey = createPublicKey(privateKey)
  const denyList = signDenyList(privateKey, 3, [signer]).bytes
  return [
    {
      name: 'beacons',
      seeds: [beacon],
      feed(bytes) {
        looksLikeBeacon(bytes)
        filter.worthOpening(bytes, '10.0.0.7')
        const opened = openBeacon(bytes, membership)
        if (opened && !bytes.equals(beacon)) throw new Error('a changed beacon passed for an authentic one')
      }
    },
    {
      name: 'beacons of those who know the secret',
      seeds: [plain],
      feed(bytes) {
        const opened = openBeacon(sealed(PEER_PROTOCOL, bytes, membership), membership)
        if (opened?.kind !== 'beacon') return
        filter.worthChecking(opened.message)
        if (opened.isSigned() && !bytes.equals(plain)) throw new Error('a changed beacon passed for a signed one')
      }
    },
    {
      name: 'control connection: hello, claims, swarm',
      seeds: controlSeeds(),
      json: true,
      feed: (bytes) => control.take(bytes)
    },
    {
      name: 'contact cards',
      seeds: [card],
      feed(bytes) {
        const read = readCard(bytes)
        if (read && !bytes.equals(card)) throw new Error('a changed card passed for a signed one')
      }
    },
    {
      name: 'what agents say to a hub',
      seeds: toHub.map((message) => Buffer.from(JSON.stringify(message))),
      json: true,
      feed(bytes) {
        const message = ToHub.safeParse(parsed(bytes))
        if (message.success) hub.message(signer, message.data)
      }
    },
    {
      name: 'what a hub says to agents',
      seeds: fromHub.map((message) => Buffer.from(JSON.stringify(message))),
      json: true,
      feed: (bytes) => void FromHub.safeParse(parsed(bytes))
    },
    {
      name: 'piece answers',
      seeds: [answer],
      feed(bytes) {
        const stream = new PieceStream(plan, { first: 0, count: 1 }, buffers)
        for (const piece of stream.push(bytes))
          if (piece.data.length !== 2500) throw new Error('a piece of the wrong size')
      }
    },
    {
      name: 'heads of piece answers',
      seeds: [
        Buffer.from('HTTP/1.1 200 OK\r\nContent-Type: application/vnd.larder.pieces\r\nContent-Length: 2636\r\n\r\n'),
        Buffer.from('HTTP/1.1 503 Busy\r\nRetry-After-Ms: 250\r\nContent-Length: 0\r\n\r\n')
      ],
      feed(bytes) {
        const reader = new HeadReader()
        const half = bytes.length >> 1
        if (!reader.push(bytes.subarray(0, half))) reader.push(bytes.subarray(half))
      }
    },
    {
      name: 'piece requests',
      seeds: [Buffer.from(piecesPath(key, { first: 3, count: 8 }))],
      feed(bytes) {
        const run = parsePiecesPath(bytes.toString())
        if (run && (run.first < 0 || run.count < 1 || run.count > 16_384)) throw new Error('a run out of bounds')
      }
    },
    {
      name: 'proofs of knowledge',
      seeds: texts(knowsProof, `${'A'.repeat(42)}B`, ''),
      feed(bytes) {
        const shown = bytes.toString('latin1')
        if (proofs.holds(channel, key, shown) && shown !== knowsProof)
          throw new Error('a changed proof passed for the right one')
      }
    },
    {
      name: 'proofs and credentials',
      seeds: [Buffer.from(JSON.stringify(credential))],
      json: true,
      feed(bytes) {
        const value = fromJson(bytes.toString()) as typeof credential | undefined
        if (typeof value?.spki !== 'string' || typeof value.proof !== 'string') return
        const spki = membership.vouched(value)
        if (spki && !spki.equals(Buffer.alloc(91, 3))) throw new Error('a key nobody vouched for was believed')
      }
    },
    {
      name: 'deny lists',
      seeds: [denyList],
      feed(bytes) {
        if (readDenyList(bytes, caPublicKey) && !bytes.equals(denyList))
          throw new Error('a changed deny list passed for an authentic one')
      }
    },
    {
      name: 'piece maps',
      seeds: [Buffer.from(Buffer.alloc(13, 0xa5).toString('base64'))],
      feed(bytes) {
        const map = mapFrom(bytes.toString('latin1'), 100)
        if (map && [...map].some((index) => index >= 100)) throw new Error('a piece beyond the last')
      }
    },
    {
      name: 'seeds of the settings',
      seeds: texts('studio-2.local:4000', '[fe80::1%eth0]:4000', '10.1.2.3'),
      feed: (bytes) => void parseSeed(bytes.toString(), 4726)
    }
  ]
}

function diskTargets(): FuzzTarget[] {
  const plan = planPieces(3_000_000)
  const version = {
    url: 'https://files.example/a.msi',
    key,
    etag: '"1"',
    lastModified: null,
    lengthBytes: 3_000_000,
    policy: { v: 1 },
    confirmedAt: 1
  }
  const sidecar = encodeSidecar({
    sha256,
    plan,
    pieceDigests: Buffer.alloc(96, 4),
    kind: 'resource',
    createdAt: 1,
    pinned: false,
    pinnedUntil: null,
    priority: 'normal',
    versions: [version as never],
    provenances: [someProvenance([0, 1, 2].map(recordOf))]
  })
  const slots = Buffer.concat([0, 1, 2].map((index) => encodeSlot(recordOf(index))))
  return [
    {
      name: 'piece records',
      seeds: [encodeRecord(recordOf(5))],
      feed(bytes) {
        if (!encodeRecord(decodeRecord(bytes)).equals(bytes)) throw new Error('a record reads as another one')
      }
    },
    {
      name: 'piece maps of partials',
      seeds: [slots],
      feed(bytes) {
        const read = new RecordSlots(3, bytes)
        for (const index of read.have)
          if (read.record(index)?.index !== index) throw new Error('a record in the slot of another piece')
      }
    },
    {
      name: 'sidecars',
      seeds: texts(sidecar),
      json: true,
      feed(bytes) {
        const read = decodeSidecar(bytes.toString(), sha256)
        if (read && read.pieceDigests.length !== read.plan.count * 32)
          throw new Error('digests that do not fit the plan')
      }
    }
  ]
}

const toolEdits: readonly Edit[] = [
  { kind: 'top', comment: '#', lines: ['registry=x'] },
  { kind: 'end', comment: '#', lines: ['[a]', 'b = "x"'] },
  { kind: 'section', section: 'global', comment: '#', lines: ['index-url = x'] },
  { kind: 'element', root: 'settings', lines: ['  <mirrors/>'] }
]

function originTargets(): FuzzTarget[] {
  const rules = cachingRules(systemClock)
  const asked = 'https://files.example/setup/a.msi'
  return [
    {
      name: 'heads of origin answers',
      seeds: texts(
        [
          'etag: "v1"',
          'last-modified: Thu, 01 Jan 2026 00:00:00 GMT',
          'date: Fri, 02 Jan 2026 00:00:00 GMT',
          'content-length: 3000000',
          'accept-ranges: bytes',
          'cache-control: public, max-age=60',
          'repr-digest: sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:'
        ].join('\n'),
        [
          'content-range: bytes 0-0/3000000',
          'content-length: 1',
          'etag: W/"x"',
          'content-encoding: gzip',
          'vary: accept-encoding, cookie',
          'digest: SHA-256=RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o='
        ].join('\n'),
        [
          'retry-after: 120',
          'retry-after: Fri, 02 Jan 2026 00:00:00 GMT',
          'link: <a.meta4>; rel=describedby; type="application/metalink4+xml"',
          'cache-control: private, no-store="x"'
        ].join('\n')
      ),
      feed(bytes) {
        const headers = headersOf(bytes.toString('latin1'))
        codingOf(headers, asked)
        parseLinks(one(headers['link']))
        metalinkUrl(one(headers['link']), asked)
        const after = statusFailure(429, headers, 'files.example', Date.UTC(2026, 0, 1)).details['retryAfterMs']
        if (after !== undefined && !(Number(after) >= 0)) throw new Error('a wait that is no wait')
        const status = headers['content-range'] === undefined ? 200 : 206
        const version = versionOf(
          { status, headers, url: asked, finalUrl: asked, ranged: status === 206, authorised: false, fields: {} },
          rules
        )
        if (version.lengthBytes !== null && !Number.isSafeInteger(version.lengthBytes))
          throw new Error('a length that is not a length')
        answersVersion(version, { status, headers, total: version.lengthBytes })
      }
    },
    {
      name: 'redirects',
      seeds: texts('https://cdn.example/x?sig=1', '/other', '//host/path'),
      feed: (bytes) => void nextHop([asked], bytes.toString('latin1'))
    },
    {
      name: 'header sections that have to be mended',
      seeds: texts(
        'HTTP/1.1 200 OK\nX Bad: 1\nContent-Length: 3\nContent-Length: 3\n\nabc',
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n folded\r\n\r\n'
      ),
      feed(bytes) {
        const mended = mendHead(bytes)
        if (mended === null || mended === 'hopeless') return
        if (mended.bodyAt > bytes.length) throw new Error('a body that begins behind its end')
        if (/[^\r]\n|\r[^\n]/.test(mended.head.toString('latin1')))
          throw new Error('a line that does not end as it should')
      }
    },
    {
      name: 'cookies of redirects',
      seeds: texts('seen=1; Path=/; Secure', 'a=b; HttpOnly\nc=d', '__Host-x="1"'),
      feed(bytes) {
        const cookies = new ChainCookies()
        cookies.took(asked, bytes.toString('latin1').split('\n'))
        if (/[\r\n]/.test(cookies.for(asked, undefined) ?? '')) throw new Error('a cookie of two lines')
      }
    },
    {
      name: 'what the gateway is asked for',
      seeds: texts(
        '/fetch/https/files.example%3A8443/a%2Fb?x=1',
        '/fetch?url=https://files.example/a?b=1&c=2',
        '/fetch?url=https%3A%2F%2Ffiles.example%2Fa'
      ),
      feed(bytes) {
        const { url } = readTarget('GET', bytes.toString('latin1'), ['127.0.0.1:4727'])
        if (!/^https?:\/\/[^/]+\//.test(url)) throw new Error('a target that is no URL')
      }
    },
    {
      name: 'configurations of tools',
      seeds: texts('[global]\nindex-url = x\n', '<settings>\n</settings>\n', 'baseurl=https://m.example/os/\n'),
      feed(bytes) {
        const text = bytes.toString('latin1')
        for (const edit of toolEdits) {
          if (isMade(text, edit) || (edit.kind === 'element' && !/<settings>\r?\n/.test(text))) continue
          const made = makeEdit(text, edit, '/f')
          if (made !== null && undoEdit(made, edit) !== text) throw new Error('a file that does not come back')
        }
      }
    },
    {
      name: 'Metalinks',
      seeds: texts(
        '<?xml version="1.0"?><metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="a.msi"><size>3000000</size><hash type="sha-256">' +
          sha256 +
          '</hash></file></metalink>'
      ),
      feed: (bytes) => void sha256FromMetalink(bytes.toString(), { names: ['a.msi'], lengthBytes: 3_000_000 })
    },
    {
      name: 'URLs and file names',
      seeds: texts(
        'https://user:secret@files.example:8443/a%20b/c.msi?x=1#y',
        'http://[fd00::1]/',
        'https://xn--bcher-kva.example/ü'
      ),
      feed(bytes) {
        const text = bytes.toString()
        const url = normaliseUrl(text)
        const name = fileNameFromUrl(url)
        if (/[/\\\0]/.test(name) || name === '..' || name === '.') throw new Error('a file name that leaves its folder')
        if (normaliseUrl(url) !== url) throw new Error('normalising twice changes the URL')
        hostOf(separateCredentials(url).url)
        if (!isSignedUrl(`${url.split('?')[0]}?a=${encodeURIComponent(text)}&sig=1`))
          throw new Error('a signed URL passed for a plain one')
        fileNameOf(url)
      }
    },
    {
      name: 'expected digests',
      seeds: texts(sha256, `sha256-${Buffer.from(sha256, 'hex').toString('base64')}`),
      feed: (bytes) => void parseIntegrity(bytes.toString())
    }
  ]
}

function localTargets(): FuzzTarget[] {
  return [
    {
      name: 'requests of programs',
      seeds: texts(
        JSON.stringify({
          url: 'https://files.example/a',
          integrity: sha256,
          destination: '/tmp/a',
          kind: 'script',
          timeoutMs: 1000,
          headers: { accept: '*/*' }
        })
      ),
      json: true,
      feed: (bytes) => void RequestSpec.safeParse(fromJson(bytes.toString()))
    },
    {
      name: 'heads of local calls',
      seeds: texts(
        'host: 127.0.0.1:4725\norigin: http://127.0.0.1:4725\nsec-fetch-site: same-origin\nauthorization: Bearer 00ff'
      ),
      feed(bytes) {
        const headers = headersOf(bytes.toString('latin1'))
        bearerOf(one(headers.authorization))
        assertLocalCaller({ method: 'GET', url: '/v1/status', headers }, 4725)
        if (!/^(127\.0\.0\.1|localhost|\[::1\]):4725$/i.test(headers.host ?? ''))
          throw new Error('a call for another host was let in')
      }
    },
    {
      name: 'settings files',
      seeds: texts(
        JSON.stringify({
          ports: { api: 4725 },
          cache: { maxBytes: 1e9 },
          discovery: { seeds: ['a:1'], beacon: true },
          notes: { 'ports.api': { value: 4725, by: 'ann', at: '2026-01-31T17:05:09.000Z' } }
        }),
        '{ "ports": { "api": 4725 /* as agreed */ } } // end'
      ),
      feed: (bytes) => void parseUserSettings(bytes.toString())
    },
    {
      name: 'policy files',
      seeds: texts(
        JSON.stringify({
          by: 'desk',
          reason: 'pilot',
          recommended: { integration: { enabled: false } },
          settings: { cache: { maxBytes: 21474836480 } },
          locked: ['fleet.siteKey', 'cache.*']
        })
      ),
      json: true,
      feed: (bytes) => void parsePolicy(bytes.toString())
    },
    {
      name: 'settings of the command line',
      seeds: texts('ports.api=4725', 'discovery.seeds=["a:1"]', 'cache.maxBytes=2000000'),
      feed: (bytes) => void parseAssignment(bytes.toString())
    },
    {
      name: 'what the system says of networks',
      seeds: texts(
        '[{"Name":"Wi-Fi","Alias":"Wi-Fi","Type":71}]',
        'Hardware Port: Wi-Fi\nDevice: en0\nEthernet Address: 00:00',
        'Iface\tDestination\tGateway\neth0\t00000000\t0101A8C0\t0003\t0\t0\t100',
        'GENERAL.DEVICE:eth0\nGENERAL.METERED:yes'
      ),
      feed(bytes) {
        const text = bytes.toString()
        parseWindowsLinks(text)
        parseMacosLinks(text, text)
        defaultOf(text)
        defaultOf6(text)
        parseMetered(text)
      }
    },
    {
      name: 'log lines',
      seeds: texts(
        'GET https://u:p@files.example/a?token=secret&sig=1 Authorization: Bearer abc',
        JSON.stringify({
          url: 'https://u:p@h/?sig=1',
          headers: { cookie: 'a=b' },
          siteKey: `larder-site-${'a'.repeat(43)}`
        })
      ),
      feed(bytes) {
        redactText(bytes.toString())
        redactFacts(fromJson(bytes.toString()))
      }
    }
  ]
}

function recordOf(index: number): PieceRecord {
  return { index, epoch: 1, digest: Buffer.alloc(32, 9), signer, signature: Buffer.alloc(64, 8) }
}

const texts = (...all: string[]): Buffer[] => all.map((text) => Buffer.from(text))
const one = (field: string | string[] | undefined): string | undefined => (Array.isArray(field) ? field[0] : field)

/** Lines `name: value` as Node hands over the fields of an answer. */
function headersOf(text: string): IncomingHttpHeaders {
  const headers: Record<string, string> = {}
  for (const line of text.split('\n')) {
    const at = line.indexOf(':')
    if (at > 0) headers[line.slice(0, at).trim().toLowerCase()] = line.slice(at + 1).trim()
  }
  return headers
}
