import { createServer, type AddressInfo } from 'node:net'
import { openSync, closeSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SeededRandom } from '../src-main/testing/mutate.ts'
import type { FaultSite } from './fault-site.ts'
import { failDisk, failingDisk, memoryDisk, remount, repairDisk, type SmallDisk } from './small-disks.ts'

/** Something that goes wrong while a content is on its way to a whole site, and is mended again. */
export interface FaultKind {
  readonly name: string
  /** What the first agent keeps its data on. */
  readonly disk?: SmallDisk
  /** One round. @returns what did not hold */
  run(site: FaultSite, random: SeededRandom, limits: FaultLimits): Promise<string[]>
}

export interface FaultLimits {
  /** How long a stopped agent stays stopped, s. */
  readonly stopSeconds: number
}

export const faultKinds: readonly FaultKind[] = [
  killed('kill -9 of any agent', async (site, random) => random.below(site.agents.length)),
  killed('kill -9 of the master', (site) => site.find('master')),
  killed('kill -9 of the coordinator', (site) => site.find('coordinator')),
  {
    name: 'SIGSTOP and resume',
    async run(site, random, { stopSeconds }) {
      const round = await site.begin()
      await sleep(random.below(round.durationMs))
      const victim = await masterOrAny(site, random)
      const { pid } = site.agents[victim]!
      site.note(`pc-${victim} is stopped`)
      process.kill(pid, 'SIGSTOP')
      await sleep(stopSeconds * 1000).finally(() => process.kill(pid, 'SIGCONT'))
      site.note(`pc-${victim} goes on`)
      // It takes up where it was; a master that wakes may have begun what another one did meanwhile.
      const broken = await site.finish(round, { copies: 2 })
      await site.untilMet()
      return broken
    }
  },
  parted('partition (cut) and heal', 'cut'),
  parted('partition (silent) and heal', 'silent'),
  parted('partition (one way) and heal', 'deaf'),
  {
    name: 'slow and lossy ways',
    async run(site, random) {
      site.spoil({ delayMs: 10 + random.below(40), loss: random.below(30) / 1000 })
      const round = await site.begin()
      try {
        return await site.finish(round, { copies: 1 })
      } finally {
        site.spoil(null)
      }
    }
  },
  {
    name: 'disk full, then space',
    disk: memoryDisk,
    async run(site, random) {
      const filler = path.join(site.dataDir(0), 'filler')
      fill(filler)
      const round = await site.begin()
      await sleep(random.below(round.durationMs))
      const broken = await site.finish(round, { copies: 2, mayFail: [0] })
      rmSync(filler)
      const again = await site.begin()
      return [...broken, ...(await site.finish(again, { copies: 1 }))]
    }
  },
  {
    name: 'disk read-only at the start, then writable',
    disk: memoryDisk,
    async run(site) {
      const broken = await site.kill(0)
      remount(site.dataDir(0), 'ro')
      const refused = await site.tryToStart(0).finally(() => remount(site.dataDir(0), 'rw'))
      if (!/"code":"(CACHE_UNUSABLE|DESTINATION_UNWRITABLE)"/.test(refused))
        broken.push(`an agent on a read-only disk said: ${refused.slice(0, 300)}`)
      await site.startAgent(0)
      await site.untilMet()
      const round = await site.begin()
      return [...broken, ...(await site.finish(round, { copies: 1 }))]
    }
  },
  {
    name: 'disk turns read-only, restart on a mended one',
    disk: failingDisk,
    async run(site, random) {
      const round = await site.begin()
      await sleep(random.below(round.durationMs))
      site.note('the disk of pc-0 turns read-only')
      failDisk(site.dataDir(0))
      const broken = await site.finish(round, { copies: 2, mayFail: [0], unwell: [0] })
      site.agents[0]!.kill()
      while (!site.agents[0]!.ended) await sleep(5)
      repairDisk(site.dataDir(0))
      await site.startAgent(0)
      await site.untilMet()
      const again = await site.begin()
      return [...broken, ...(await site.finish(again, { copies: 1 }))]
    }
  },
  {
    name: 'index and contents damaged',
    async run(site, random) {
      const first = await site.begin()
      const broken = await site.finish(first, { copies: 1 })
      const victim = random.below(site.agents.length)
      broken.push(...(await site.kill(victim)))
      damage(site.dataDir(victim), random)
      await site.startAgent(victim)
      await site.untilMet()
      // Damage is found and told once; from then on everything is right again.
      await site.agents[victim]!.verify()
      const round = await site.begin()
      return [...broken, ...(await site.finish(round, { copies: 1 }))]
    }
  },
  {
    name: 'port taken at the start',
    async run(site, random) {
      const victim = random.below(site.agents.length)
      const broken = await site.kill(victim)
      const taken = createServer().listen(0, '127.0.0.1')
      await new Promise((resolve) => taken.once('listening', resolve))
      const refused = await site.tryToStart(victim, (taken.address() as AddressInfo).port)
      await new Promise((resolve) => taken.close(resolve))
      if (!refused.includes('PORT_TAKEN')) broken.push(`an agent whose port is taken said: ${refused.slice(0, 300)}`)
      await site.startAgent(victim)
      await site.untilMet()
      const round = await site.begin()
      return [...broken, ...(await site.finish(round, { copies: 1 }))]
    }
  }
]

/** The master matters most, but is only one of many. */
async function masterOrAny(site: FaultSite, random: SeededRandom): Promise<number> {
  return (random.below(2) === 0 ? await site.find('master') : null) ?? random.below(site.agents.length)
}

function killed(name: string, choose: (site: FaultSite, random: SeededRandom) => Promise<number | null>): FaultKind {
  return {
    name,
    async run(site, random) {
      const round = await site.begin()
      await sleep(random.below(round.durationMs * 1.2))
      const victim = (await choose(site, random)) ?? random.below(site.agents.length)
      const broken = await site.kill(victim)
      const { contentBytes } = site.origin.stats()
      await site.startAgent(victim)
      await site.ask(victim, round)
      // At worst the dead was the only one to have what had come so far.
      broken.push(...(await site.finish(round, { copies: 1, lostBytes: contentBytes })))
      await site.untilMet()
      return broken
    }
  }
}

function parted(name: string, fault: 'cut' | 'silent' | 'deaf'): FaultKind {
  return {
    name,
    async run(site, random) {
      const round = await site.begin()
      await sleep(random.below(round.durationMs))
      const group = [await masterOrAny(site, random)]
      if (random.below(2) === 0) group.push((group[0]! + 1) % site.agents.length)
      site.part(group, fault)
      // A silent way is noticed after 12 s.
      await sleep(fault === 'cut' ? 500 + random.below(3000) : 13_000 + random.below(3000))
      const broken = (await site.seenAcross(group)).map((pair) => `${pair} although they are parted`)
      site.heal()
      // Each side has its own master while they do not see each other.
      broken.push(...(await site.finish(round, { copies: 2 })))
      await site.untilMet()
      return broken
    }
  }
}

/** Bytes that lie where an agent's index and contents are are other ones from now on. */
function damage(dataDir: string, random: SeededRandom): void {
  const cache = path.join(dataDir, 'cache')
  const files = readdirSync(cache, { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(cache, name))
    .filter((file) => /index-v1\.sqlite$|content-v1/.test(file) && statSync(file).isFile() && statSync(file).size > 0)
  for (const file of files) {
    if (!file.endsWith('.sqlite') && random.below(2) === 0) continue
    const handle = openSync(file, 'r+')
    const at = random.below(statSync(file).size)
    writeSync(handle, Buffer.from([random.below(256), 0x5a, random.below(256)]), 0, 3, at)
    closeSync(handle)
  }
}

function fill(file: string): void {
  const handle = openSync(file, 'w')
  try {
    const chunk = Buffer.alloc(1024 * 1024, 1)
    for (;;) writeSync(handle, chunk)
  } catch {
    // ENOSPC is what was wanted.
  } finally {
    closeSync(handle)
  }
}
