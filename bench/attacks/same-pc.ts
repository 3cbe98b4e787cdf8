// D: other users of the same PC. E: what is weak rather than open.
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventLog } from '../../src-main/agent/event-log.ts'
import { prepareDataDir } from '../../src-main/agent/data-dir.ts'
import { assertNoBrowser } from '../../src-main/api/gateway/access.ts'
import { redactText } from '../../src-main/api/redact.ts'
import type { PeerId } from '../../src-main/contract/ids.ts'
import { whyUnsafe } from '../../src-main/lib/safe-place.ts'
import { systemClock } from '../../src-main/lib/clock.ts'
import { sha256FromMetalink } from '../../src-main/origin/metalink.ts'
import { parsePolicy } from '../../src-main/settings/policy-file.ts'
import { parseUserSettings } from '../../src-main/settings/user-file.ts'
import { startAgentRig } from '../../src-main/testing/agent-rig.ts'
import { ask, startFleet } from '../../src-main/testing/fleet.ts'
import { startOriginServer } from '../../src-main/testing/origin-server.ts'
import { withEnds, type Attack, type Seen } from './attack.ts'

/** `nobody`, as another user of the PC. */
const OTHER = 65_534
const needsRoot = process.getuid?.() === 0 ? {} : { cannot: 'needs root, to play two users' }

function folder(ends: (end: () => unknown) => void, mode: number, owner: number): string {
  const dir = mkdtempSync(join(tmpdir(), 'larder-attack-'))
  ends(() => rmSync(dir, { recursive: true, force: true }))
  chmodSync(dir, mode)
  chownSync(dir, owner, owner)
  return dir
}

/** In a folder of many, links of another user where the file and what is written beside it would lie. */
async function planted(): Promise<Seen> {
  return withEnds(async (ends) => {
    const origin = await startOriginServer()
    ends(() => origin.close())
    const fleet = await startFleet(1)
    ends(() => fleet.stop())
    const { agent } = fleet.agents[0]!
    const url = origin.put('/setup.msi', { generate: { bytes: 100_000, seed: 'x' } })
    const names = ['setup.msi', 'setup.msi.larder-part', '.setup.msi.larder-part']
    const harmed: string[] = []
    for (const [dirMode, dirOwner] of [
      [0o1777, 0],
      [0o777, OTHER]
    ] as const)
      for (const name of names) {
        const dir = folder(ends, dirMode, dirOwner)
        const home = folder(ends, 0o700, 0)
        const key = join(home, 'key')
        writeFileSync(key, 'secret', { mode: 0o600 })
        symlinkSync(key, join(dir, name))
        lchownSync(join(dir, name), OTHER, OTHER)
        await ask(agent, { url, destination: join(dir, 'setup.msi'), overwrite: true })
        if ((statSync(key).mode & 0o777) !== 0o600 || readFileSync(key, 'utf8') !== 'secret') harmed.push(name)
      }
    return { seen: `${harmed.length} of ${2 * names.length} keys touched`, held: harmed.length === 0 }
  })
}

async function idleSockets(): Promise<Seen> {
  return withEnds(async (ends) => {
    const rig = await startAgentRig()
    ends(() => rig.close())
    const sockets = Array.from({ length: 400 }, () => connect(rig.port, '127.0.0.1').on('error', () => {}))
    ends(() => sockets.forEach((socket) => socket.destroy()))
    await Promise.all(sockets.slice(0, 200).map((socket) => once(socket, 'connect')))
    for (const [i, socket] of sockets.entries()) if (i % 2 === 0) socket.write('GET / HTTP/1.1\r\nHost:')
    const startedMs = performance.now()
    const { status } = await rig.call('GET', '/v1/version')
    const ms = performance.now() - startedMs
    return {
      seen: `400 idle sockets; a call is answered (${status}) after ${ms.toFixed(0)} ms`,
      held: status === 200 && ms < 3000
    }
  })
}

async function foreignData(): Promise<Seen> {
  return withEnds(async (ends) => {
    const tried: [string, () => unknown][] = [
      ['another user’s folder', () => prepareDataDir(folder(ends, 0o700, OTHER))],
      ['a folder others may write', () => prepareDataDir(folder(ends, 0o777, 0))],
      [
        'a folder below one of another user',
        () => {
          const dir = join(folder(ends, 0o755, OTHER), 'data')
          mkdirSync(dir, { mode: 0o700 })
          return prepareDataDir(dir)
        }
      ]
    ]
    const used: string[] = []
    for (const [name, work] of tried)
      try {
        await work()
        used.push(name)
      } catch {
        // Refused.
      }
    return {
      seen: `${used.length} of ${tried.length} used${used.length > 0 ? ` (${used.join(', ')})` : ''}`,
      held: used.length === 0
    }
  })
}

async function plantedPolicy(): Promise<Seen> {
  return withEnds(async (ends) => {
    const places = [folder(ends, 0o755, OTHER), folder(ends, 0o777, 0)].map((dir) => join(dir, 'policy.json'))
    for (const place of places) writeFileSync(place, '{}')
    const good = join(folder(ends, 0o755, 0), 'policy.json')
    writeFileSync(good, '{}', { mode: 0o644 })
    const taken = places.filter((place) => whyUnsafe(place) === null).length
    return { seen: `${taken} of ${places.length} taken`, held: taken === 0 && whyUnsafe(good) === null }
  })
}

async function deepSettings(): Promise<Seen> {
  const texts = ['['.repeat(200_000), '{"a":'.repeat(200_000), `{"settings":${'{"a":'.repeat(200_000)}`]
  let thrown = 0
  let longestMs = 0
  for (const text of texts)
    for (const parse of [parseUserSettings, parsePolicy]) {
      const startedMs = performance.now()
      try {
        parse(text)
      } catch {
        thrown++
      }
      longestMs = Math.max(longestMs, performance.now() - startedMs)
    }
  return {
    seen: `${thrown} of ${texts.length * 2} end in an exception, ${longestMs.toFixed(0)} ms at most`,
    held: thrown === 0 && longestMs < 500
  }
}

async function longMetalink(): Promise<Seen> {
  const attributes = Array.from({ length: 100_000 }, (_, i) => `a${i}=""`)
    .join(' ')
    .slice(0, 1_000_000)
  const startedMs = performance.now()
  const found = sha256FromMetalink(
    `<metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="a" ${attributes}></file></metalink>`,
    { names: ['a'], lengthBytes: 1 }
  )
  const ms = performance.now() - startedMs
  return { seen: `${ms.toFixed(0)} ms, ${found === null ? 'refused' : 'taken'}`, held: ms < 250 }
}

async function browsers(): Promise<Seen> {
  const calls: Record<string, string>[] = [
    { referer: 'http://evil.test/' },
    { origin: 'http://evil.test' },
    { origin: 'null' },
    { 'user-agent': 'Mozilla/5.0 AppleWebKit/537 Chrome/120' },
    { 'user-agent': 'Mozilla/5.0 (Windows NT 10.0; rv:120.0) Gecko/20100101 Firefox/120.0' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-dest': 'image' },
    { 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none' },
    { 'access-control-request-method': 'GET' }
  ]
  const answered = calls.filter((headers) => {
    try {
      assertNoBrowser(headers)
      return true
    } catch {
      return false
    }
  }).length
  return { seen: `${answered} of ${calls.length} answered`, held: answered === 0 }
}

async function tokensInPaths(): Promise<Seen> {
  const token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N'
  const urls = [
    `https://e.test/t/${token}/setup.msi`,
    `https://e.test/setup.msi?sig=${token}`,
    `https://user:${token}@e.test/setup.msi`,
    'https://e.test/d/Zk3pQ9xR2vLm8Wc5Tn7YbJ4h/setup.msi',
    'https://e.test/d/ghp_16C7e42F292c6912E7710c838347Ae178B4a/setup.msi'
  ]
  const told = urls.filter((url) => /eyJhbGci|Zk3pQ9xR|16C7e42F/.test(redactText(`GET ${url}`)))
  return { seen: `${told.length} of ${urls.length} written to the log`, held: told.length === 0 }
}

async function flushedEvents(): Promise<Seen> {
  const log = new EventLog(systemClock, () => {})
  log.add('peerDistrusted', 'mallory is believed no more.')
  for (let n = 0; n < 100_000; n++) {
    const peer = (n % 5000).toString(16).padStart(64, '0') as PeerId
    log.add(n % 2 === 0 ? 'peerConnected' : 'peerLost', 'came or went', { peer })
  }
  const kept = log.since(0).some(({ type }) => type === 'peerDistrusted')
  return { seen: `after 100,000 comings and goings the warning is ${kept ? 'still there' : 'gone'}`, held: kept }
}

export const onTheSamePc: readonly Attack[] = [
  {
    name: 'D11 links of another user at the destination',
    before: 'a key of mode 0600 became 0666',
    ...needsRoot,
    carryOut: planted
  },
  { name: 'D12 idle sockets at the local API', before: '`larder get` took 205 s', carryOut: idleSockets },
  {
    name: 'D13 a data folder of somebody else',
    before: 'used, with its settings',
    ...needsRoot,
    carryOut: foreignData
  },
  {
    name: 'D14 a policy somebody else wrote',
    before: 'on Windows it could be planted',
    ...needsRoot,
    carryOut: plantedPolicy
  },
  { name: 'E settings 200,000 levels deep', before: 'uncaught stack overflow', carryOut: deepSettings },
  { name: 'E Metalink with 100,000 attributes', before: '1.5 s stall', carryOut: longMetalink },
  { name: 'E browsers without Sec-Fetch fields at the gateway', before: 'answered', carryOut: browsers },
  { name: 'E tokens in the path of a URL', before: 'logged', carryOut: tokensInPaths },
  { name: 'E flushing the event log', before: 'in 44 s', carryOut: flushedEvents }
]
