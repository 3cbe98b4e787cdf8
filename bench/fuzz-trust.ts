import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { Bitmap } from '../src-main/lib/bitmap.ts'
import { systemClock } from '../src-main/lib/clock.ts'
import { packProvenance } from '../src-main/cache/provenance.ts'
import type { ContentKey, PeerId, Sha256Hex } from '../src-main/contract/ids.ts'
import { ControlMessage, type Credential, type PeerMessage } from '../src-main/contract/peer-messages.ts'
import { DenyListExchange } from '../src-main/peers/fleet/deny-list-exchange.ts'
import { DenyListHolder } from '../src-main/peers/fleet/deny-list-holder.ts'
import { EMPTY_DENY_LIST, readDenyList, signDenyList } from '../src-main/peers/fleet/deny-list.ts'
import { KeyRing } from '../src-main/peers/fleet/key-ring.ts'
import { siteKeyMembership } from '../src-main/peers/fleet/membership.ts'
import { EMPTY_RECALL_LIST, readRecallList, signRecallList } from '../src-main/peers/fleet/recall-list.ts'
import { RecallListHolder } from '../src-main/peers/fleet/recall-list-holder.ts'
import { newSiteKey } from '../src-main/peers/fleet/site-key.ts'
import { planPieces } from '../src-main/pieces/plan.ts'
import { encodeRecord, createRecordVerifier, signRecord, type PieceRecord } from '../src-main/pieces/record.ts'
import { makeDevice, type Device } from '../src-main/testing/device.ts'
import type { Job } from '../src-main/transfers/job.ts'
import { Swarm } from '../src-main/transfers/swarm.ts'
import { AnnouncedChecks } from '../src-main/transfers/verify/announced-checks.ts'
import { Evidence, type EvidenceWorld } from '../src-main/transfers/verify/evidence.ts'
import { parsed } from './fuzz-hub.ts'
import type { FuzzTarget } from './fuzz-targets.ts'

const key = `version:${'5a'.repeat(32)}` as ContentKey
const sha256 = 'ab'.repeat(32) as Sha256Hex
const liar = 'f2'.repeat(32) as PeerId
const text = (value: object): Buffer => Buffer.from(JSON.stringify(value))

/** What is behind the messages about who is believed: lists of the CA, evidence, piece maps with their signers. */
export function trustTargets(): FuzzTarget[] {
  return [...listTargets(), evidenceTarget(), announcedTarget(), swarmTarget()]
}

/** What a sidecar holds of where its content came from. */
export function someProvenance(records: readonly PieceRecord[]) {
  return packProvenance(
    key,
    {
      verifiedBy: 'sample',
      source: {
        url: 'https://files.example/a.msi',
        scheme: 'https',
        address: '192.0.2.7',
        at: 1,
        issuer: 'CN=Example CA',
        network: null
      }
    },
    records,
    new Map([[records[0]!.signer, { spki: 'A'.repeat(122), proof: 'B'.repeat(43) }]])
  )
}

function listTargets(): FuzzTarget[] {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const ca = createPublicKey(privateKey)
  const denied = signDenyList(privateKey, 3, [liar]).bytes
  const recalled = signRecallList(privateKey, 5, [
    [sha256, 'malware'],
    ['cd'.repeat(32) as Sha256Hex, '']
  ]).bytes
  const deny = new DenyListHolder(ca, EMPTY_DENY_LIST, () => {})
  const recall = new RecallListHolder(ca, EMPTY_RECALL_LIST, () => {})
  const common = {
    clock: systemClock,
    random: () => 0.5,
    connected: () => [liar],
    send: () => {},
    offended: () => {},
    adopted: () => {}
  }
  const exchanges = {
    'fleet.denied': new DenyListExchange({ ...common, denyList: deny }),
    'fleet.recalled': new DenyListExchange({ ...common, denyList: recall, t: 'fleet.recalled' })
  }
  return [
    {
      name: 'recall lists',
      seeds: [recalled],
      feed(bytes) {
        if (readRecallList(bytes, ca) && !bytes.equals(recalled))
          throw new Error('a changed recall list passed for an authentic one')
      }
    },
    {
      name: 'deny lists and recall lists from peers',
      seeds: [
        text({ t: 'fleet.denied', number: 3, list: denied.toString('base64url') }),
        text({ t: 'fleet.recalled', number: 5, list: recalled.toString('base64url') }),
        text({ t: 'fleet.denied', number: 4 })
      ],
      json: true,
      feed(bytes) {
        const message = ControlMessage.safeParse(parsed(bytes))
        if (!message.success || !(message.data.t === 'fleet.denied' || message.data.t === 'fleet.recalled')) return
        exchanges[message.data.t].heard(liar, message.data)
        if (![0, 3].includes(deny.list.number) || ![0, 5].includes(recall.list.number))
          throw new Error('a list that the CA never made is in force')
        if (readDenyList(denied, ca)?.denied.size !== 1) throw new Error('the list was changed')
      }
    }
  ]
}

function recordsOf(device: Device): PieceRecord[] {
  return [0, 1, 2].map((index) =>
    signRecord(key, { index, epoch: 1, digest: Buffer.alloc(32, index), signer: device.id }, (m) => device.sign(m))
  )
}

/** A network of one member who may be met, and nobody to send to. */
function networkOf() {
  const membership = siteKeyMembership(newSiteKey())
  const keys = new KeyRing(membership, systemClock)
  const device = makeDevice()
  return {
    device,
    credential: membership.vouch(device.spki),
    network: {
      self: '01'.repeat(32) as PeerId,
      credential: membership.vouch(makeDevice().spki),
      isBanned: () => false,
      send: () => true,
      placeOf: () => null,
      nameOf: () => 'pc',
      connected: () => [],
      verifyCredential: (...asked: Parameters<KeyRing['introduce']>) => keys.introduce(...asked),
      passOn: (one: Credential) => membership.passOn(one),
      memberKey: (id: PeerId) => keys.get(id)
    }
  }
}

/** Thrown with the next message when something asynchronous has failed. */
class Later {
  #error: unknown
  watch(work: Promise<unknown>): void {
    work.catch((error: unknown) => (this.#error = error))
  }
  check(): void {
    const error = this.#error
    this.#error = undefined
    if (error !== undefined) throw error
  }
}

function evidenceTarget(): FuzzTarget {
  const { network, device, credential } = networkOf()
  const later = new Later()
  let froms = 0
  const proven: string[] = []
  const evidence = new Evidence({
    network,
    clock: systemClock,
    records: createRecordVerifier(),
    distrust: { has: () => false, add: ({ peer }: { peer: string }) => void proven.push(peer) },
    cache: { versionOf: () => undefined, signedBy: () => [], detail: () => undefined },
    deliveries: { take: () => [], signedBy: () => [] },
    versionOf: () => undefined,
    signed: () => undefined,
    emit: () => {},
    changed: () => {}
  } as unknown as EvidenceWorld)
  const [record] = recordsOf(device)
  return {
    name: 'evidence',
    seeds: [text({ t: 'evidence', key, record: encodeRecord(record!).toString('base64url'), signer: credential })],
    json: true,
    feed(bytes) {
      later.check()
      const message = ControlMessage.safeParse(parsed(bytes))
      if (!message.success || message.data.t !== 'evidence') return
      // Another accuser each time: the limits for one are tested elsewhere.
      const from = (++froms).toString(16).padStart(64, '0') as PeerId
      later.watch(evidence.heard(from, message.data))
      if (proven.length > 0) throw new Error('somebody was convicted without a word of the origin')
    }
  }
}

function announcedTarget(): FuzzTarget {
  const { network } = networkOf()
  const checks = new AnnouncedChecks({ clock: systemClock, network, random: Math.random })
  let froms = 0
  return {
    name: 'announced checks',
    seeds: (['begun', 'over'] as const).map((is) => text({ t: 'check', key, is })),
    json: true,
    feed(bytes) {
      const message = ControlMessage.safeParse(parsed(bytes))
      if (!message.success || message.data.t !== 'check') return
      const from = (++froms % 1000).toString(16).padStart(64, '0') as PeerId
      checks.heard(from, message.data)
      if (froms % 10 === 0) checks.lost(from)
    }
  }
}

function swarmTarget(): FuzzTarget {
  const { network, device, credential } = networkOf()
  const plan = planPieces(2_500_000)
  const records = recordsOf(device)
  const partial = {
    have: new Bitmap(plan.count),
    record: (index: number) => records[index],
    credentials: new Map([[device.id, credential]])
  }
  partial.have.add(0)
  const world = { network, clock: systemClock }
  const job = { key, plan, partial, world, ownPriority: () => 'foreground' } as unknown as Job
  const swarm = new Swarm(job)
  const messages: PeerMessage[] = [
    { t: 'swarm.join', key, waits: true },
    { t: 'swarm.have', key, lengthBytes: 2_500_000, map: 'oA==', complete: false, signers: [credential] },
    { t: 'swarm.have', key, lengthBytes: 2_500_000, map: '', complete: true, root: sha256, signers: [] },
    { t: 'swarm.got', key, pieces: [1, 2], signers: [credential] },
    { t: 'swarm.progress', key, bytes: 77 },
    { t: 'swarm.askDigests', key, first: 1 },
    { t: 'swarm.digests', key, first: 1, digests: Buffer.alloc(64, 5).toString('base64') },
    { t: 'swarm.leave', key }
  ]
  return {
    name: 'piece maps and news of neighbours',
    seeds: messages.map(text),
    json: true,
    feed(bytes) {
      const message = ControlMessage.safeParse(parsed(bytes))
      if (!message.success || !message.data.t.startsWith('swarm.')) return
      swarm.handle(liar, message.data as Parameters<Swarm['handle']>[1])
      const { holders, size } = swarm.neighbours
      if (size > 1 || holders.some((count) => count > 1)) throw new Error('one neighbour counts as several')
    }
  }
}
