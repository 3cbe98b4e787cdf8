// Thousands of agents at one hub: what each costs it, how long a decision takes, and how soon all are back after it has started again.
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import { build } from '../scripts/bundles.ts'
import { FromHub, type ToHub } from '../src-main/contract/hub-messages.ts'
import type { BootId, ContentKey } from '../src-main/contract/ids.ts'
import { systemClock } from '../src-main/lib/clock.ts'
import { dialControl } from '../src-main/peers/control/dial.ts'
import { makeCard } from '../src-main/peers/far/contact-card.ts'
import { siteKeyMembership } from '../src-main/peers/fleet/membership.ts'
import { newSiteKey } from '../src-main/peers/fleet/site-key.ts'
import { peerSecureContext } from '../src-main/peers/fleet/tls-channel.ts'
import { HubChannel } from '../src-main/peers/hub/hub-channel.ts'
import { loadIdentity, type Identity } from '../src-main/peers/fleet/identity.ts'
import { seekingClaim } from '../src-main/testing/claim-put.ts'
import { keptLog } from '../src-main/testing/kept-log.ts'
import { startAgent } from './agent-process.ts'
import { readFlags } from './flags.ts'
import { RunScope } from './run-scope.ts'
import { drawTable } from './table.ts'
import { parseCount } from './units.ts'
import { usageOf } from './usage.ts'

interface Flags {
  members: number
  contents: number
  claimants: number
}

const program = new Command('bench:hub')
  .description('Many agents at one hub: memory per agent, time of a decision, time until all are back after a restart.')
  .option('--members <n>', 'agents', parseCount(1, 10_000), 2000)
  .option('--contents <n>', 'that are claimed, one after the other', parseCount(1, 10_000), 200)
  .option('--claimants <n>', 'that claim each of them at once', parseCount(1, 100), 4)
const flags = readFlags<Flags>(program)

/** Not later than this all have to be in, gone or decided about, ms. */
const PATIENCE_MS = 120_000
const siteKey = newSiteKey()
const membership = siteKeyMembership(siteKey)
const scope = new RunScope()

/** An agent as a hub knows it: one connection, and its claims. */
class Member {
  readonly identity: Promise<Identity>
  readonly #bootId = randomBytes(8).toString('hex') as BootId
  readonly #address: string
  #channel: HubChannel<FromHub, ToHub> | null = null
  heard: (message: FromHub) => void = () => {}

  constructor(index: number) {
    this.identity = loadIdentity(scope.folder(`raw-${index}`), { clock: systemClock, log: keptLog() })
    // Each has an address of its own, as in a network.
    this.#address = `127.${1 + (index >> 15)}.${(index >> 7) & 255}.${1 + (index & 127)}`
  }

  get isIn(): boolean {
    return this.#channel !== null && !this.#channel.ended
  }

  /** @returns false when it is to try again */
  async enter(port: number): Promise<boolean> {
    const identity = await this.identity
    const outcome = await dialControl({
      host: '127.0.0.1',
      port,
      localAddress: this.#address,
      identity,
      membership,
      bootId: this.#bootId,
      secureContext: peerSecureContext(identity),
      clock: systemClock,
      signal: AbortSignal.timeout(20_000),
      use: 'hub',
      recognise: () => 'go',
      barred: () => null,
      proven: ({ ws }) => {
        this.#channel = new HubChannel<FromHub, ToHub>(ws, systemClock, FromHub)
        this.#channel.on('message', (message) => this.heard(message))
        const card = makeCard(identity, Date.now(), [{ address: '10.1.1.1', port: 4726 }]).toString('base64url')
        this.#channel.send({ t: 'hub.card', card, site: null, name: 'raw' })
      }
    })
    return outcome.kind === 'proven'
  }

  async claim(key: ContentKey): Promise<number> {
    const began = performance.now()
    const { promise: decided, resolve } = Promise.withResolvers<true>()
    this.heard = (message) => {
      if (message.t === 'claim.decision' && message.key === key) resolve(true)
    }
    this.#channel!.send(seekingClaim(key))
    const inTime = await Promise.race([decided, sleep(PATIENCE_MS, false, { ref: false })])
    if (!inTime) throw new Error(`no decision about a content within ${PATIENCE_MS / 1000} s`)
    const took = performance.now() - began
    this.#channel!.send({ t: 'claim.close', key })
    return took
  }
}

/** @returns ms until the last one was in */
async function allEnter(members: readonly Member[], port: number): Promise<number> {
  const began = performance.now()
  let next = 0
  const enterInTurn = async () => {
    for (let member = members[next++]; member; member = members[next++])
      while (!(await member.enter(port).catch(() => false))) {
        if (performance.now() - began > PATIENCE_MS) return
        await sleep(200)
      }
  }
  await Promise.all(Array.from({ length: 64 }, enterInTurn))
  return performance.now() - began
}

if (!(await build('cli'))) throw new Error('the command line could not be built')
try {
  const start = (peerPort: number) =>
    startAgent(scope, {
      name: `hub-${peerPort}`,
      siteKey,
      beaconPort: 0,
      peerPort,
      seeds: [],
      settings: ['hub.serve=true', `hub.maxConnections=${flags.members + 10}`]
    })
  let hub = await start(0)
  const port = hub.peerPort!
  const members = Array.from({ length: flags.members }, (_, i) => new Member(i))
  await Promise.all(members.map(({ identity }) => identity))
  const before = usageOf(hub.pid, null)!
  const entered = await allEnter(members, port)
  const isIn = members.filter((member) => member.isIn).length
  // What is only waiting to be collected is not counted.
  await sleep(5000)
  const after = usageOf(hub.pid, null)!
  const waits: number[] = []
  for (let n = 0; n < flags.contents; n++) {
    const key = `site:${randomBytes(32).toString('hex')}` as ContentKey
    const some = Array.from({ length: flags.claimants }, (_, i) => members[(n * flags.claimants + i) % members.length]!)
    waits.push(...(await Promise.all(some.map((member) => member.claim(key)))))
  }
  waits.sort((a, b) => a - b)
  hub.kill()
  const killedMs = performance.now()
  while (members.some((member) => member.isIn)) {
    if (performance.now() - killedMs > PATIENCE_MS) throw new Error('agents do not notice that the hub is gone')
    await sleep(20)
  }
  hub = await start(port)
  const back = await allEnter(members, port)
  const isBack = members.filter((member) => member.isIn).length
  const kibEach = (after.rssBytes - before.rssBytes) / 1024 / isIn
  const report = {
    members: isIn,
    enteredMs: Math.round(entered),
    kibEach: Math.round(kibEach),
    cpuMsEach: Math.round(((after.cpuSeconds - before.cpuSeconds) * 1000 * 100) / isIn) / 100,
    decisionMs: {
      p50: Math.round(waits[waits.length >> 1]!),
      p99: Math.round(waits[Math.floor(waits.length * 0.99)]!)
    },
    backMs: Math.round(back),
    isBack
  }
  if (flags.json) process.stdout.write(`${JSON.stringify(report)}\n`)
  else
    process.stdout.write(
      `${drawTable(
        ['figure', 'measured', 'beside'],
        [
          ['agents in', `${isIn} of ${flags.members}`, `after ${(entered / 1000).toFixed(1)} s`],
          ['memory of the hub per agent', `${report.kibEach} KiB`, ''],
          ['CPU of the hub per agent that comes', `${report.cpuMsEach} ms`, ''],
          [
            'decision, p50 and p99',
            `${report.decisionMs.p50} and ${report.decisionMs.p99} ms`,
            'of that 50 ms are its window'
          ],
          ['all back after kill -9 and restart', `${(back / 1000).toFixed(1)} s, ${isBack}`, '']
        ]
      )}\n`
    )
  process.exitCode = isIn === flags.members && isBack === flags.members ? 0 : 1
} finally {
  await scope.close()
}
process.exit()
