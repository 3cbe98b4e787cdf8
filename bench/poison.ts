// What members that lie about contents without digest achieve: agents and liars of one process on loopback.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import type { Agent } from '../src-main/agent/agent.ts'
import { formatSize } from '../src-main/contract/sizes.ts'
import { ask, startFleet, untilSnapshot } from '../src-main/testing/fleet.ts'
import { startHostilePeer } from '../src-main/testing/hostile-peer.ts'
import { askedOf } from '../src-main/testing/hostile-site.ts'
import { startOriginServer } from '../src-main/testing/origin-server.ts'
import { caughtShare, worthTogether } from '../src-main/transfers/verify/sample-plan.ts'
import { readFlags } from './flags.ts'
import { drawTable } from './table.ts'
import { parseCount, parseSize } from './units.ts'

interface Flags {
  pcs: number
  liars: number
  contents: number
  size: number
  seed: number
}

const program = new Command('bench:poison')
  .description(
    'Members that say they have every content and sign what they made up, against PCs that trust signatures and PCs that check; exit code 1 when among PCs that check a liar is not found out by all, a wrong file came after that, or somebody who got one was not told or kept it.'
  )
  .option('--pcs <n>', 'honest PCs', parseCount(1, 50), 3)
  .option('--liars <n>', 'members that lie', parseCount(0, 3), 1)
  .option('--contents <n>', 'each asked for by all PCs at once', parseCount(1, 1000), 200)
  .option('--size <size>', 'of each content', parseSize, 60 * 1024)
  .option('--seed <n>', 'of the contents', parseCount(0, 1_000_000), 1)
const flags = readFlags<Flags>(program)

interface Outcome {
  readonly files: number
  readonly wrong: number
  readonly failed: number
  readonly liarsFound: number
  /** Contents until all liars were found out by all; null: they were not. */
  readonly foundAfter: number | null
  readonly wrongAfter: number
  /** PCs that got something wrong and were not told, or still have it in the cache. */
  readonly untold: number
  readonly originShare: number
  readonly sampledShare: number
}

const before = await campaign('trust')
const after = await campaign('check')
const limits = { share: 0.02, bytes: 256 * 1024 }
const patches = [3, 10, 50].map((pcs) => ({
  pcs,
  share: caughtShare(64 * 1024, pcs, { lengthBytes: 100 * 2 ** 20, pcs, limits }, 'together')
}))

if (flags.json) process.stdout.write(`${JSON.stringify({ ...flags, before, after, patches })}\n`)
else {
  const row = (name: string, one: Outcome) => [
    name,
    String(one.files),
    String(one.wrong),
    String(one.failed),
    `${one.liarsFound} of ${flags.liars}`,
    one.foundAfter === null ? '–' : String(one.foundAfter),
    String(one.wrongAfter),
    String(one.untold),
    one.originShare.toFixed(2),
    `${(one.sampledShare * 100).toFixed(1)} %`
  ]
  process.stdout.write(
    `${flags.pcs} PCs, ${flags.liars} liars, ${flags.contents} contents of ${formatSize(flags.size)}, seed ${flags.seed}\n`
  )
  process.stdout.write(
    `${drawTable(
      [
        '',
        'files',
        'wrong',
        'failed',
        'liars found by all',
        'after contents',
        'wrong after that',
        'not told',
        'origin ÷ content',
        'compared ÷ content'
      ],
      [row('trusting signatures', before), row('checking', after)]
    )}\n`
  )
  for (const { pcs, share } of patches)
    process.stdout.write(
      `a patch of 64 KiB in 100 MiB is seen by one of ${pcs} PCs in ${(share * 100).toFixed(1)} % (calculated)\n`
    )
}
const question = { lengthBytes: flags.size, pcs: flags.pcs + flags.liars, limits }
const share = caughtShare(flags.size, flags.pcs, question, worthTogether(question) ? 'together' : 'each')
if (!flags.json)
  process.stdout.write(
    `another file of ${formatSize(flags.size)} is seen by one of ${flags.pcs} PCs in ${(share * 100).toFixed(1)} % (calculated)\n`
  )
process.exitCode = after.foundAfter === null || after.wrongAfter > 0 || after.untold > 0 || after.failed > 0 ? 1 : 0

async function campaign(withoutDigest: 'trust' | 'check'): Promise<Outcome> {
  const out = await mkdtemp(join(tmpdir(), 'larder-poison-'))
  const origin = await startOriginServer()
  const fleet = await startFleet(flags.pcs, { sharing: { withoutDigest } })
  const seeds = fleet.agents.map(({ agent }) => `127.0.0.1:${agent.snapshot().ports.peer}`)
  const known = new Map<string, Buffer>()
  const liars = await Promise.all(
    Array.from({ length: flags.liars }, () =>
      startHostilePeer({
        siteKey: fleet.siteKey,
        lie: 'wrong-record',
        lengthBytes: flags.size,
        seeds,
        knowledge: (key) => known.get(key)
      })
    )
  )
  for (const { agent } of fleet.agents)
    await untilSnapshot(
      agent,
      ({ peers }) => liars.every(({ id }) => peers.some((p) => p.id === id && p.state === 'connected')),
      60_000
    )
  const all = { files: 0, wrong: 0, failed: 0, wrongAfter: 0 }
  let foundAfter: number | null = null
  const wrongOf = fleet.agents.map(() => new Set<string>())
  const foundBy = (agent: Agent) =>
    new Set(agent.events().flatMap((e) => (e.type === 'peerDistrusted' && e.peer ? [e.peer] : [])))
  const allFound = () => fleet.agents.every(({ agent }) => liars.every(({ id }) => foundBy(agent).has(id)))
  for (let i = 0; i < flags.contents; i++) {
    const path = `/content-${i}.bin`
    const url = origin.put(path, { generate: { bytes: flags.size, seed: `${flags.seed} ${i}` } })
    const right = await origin.sha256(path)
    const learnt = await askedOf(url)
    if (learnt) known.set(learnt.key, learnt.knowledge)
    await Promise.all(
      fleet.agents.map(async ({ agent }, n) => {
        const destination = join(out, `${i}-${n}`)
        const { state } = await ask(agent, { url, destination })
        all.files++
        if (state !== 'done') return void all.failed++
        const is = createHash('sha256')
          .update(await readFile(destination))
          .digest('hex')
        if (is !== right) {
          all.wrong++
          wrongOf[n]!.add(is)
          if (foundAfter !== null) all.wrongAfter++
        }
        await rm(destination)
      })
    )
    if (foundAfter === null && allFound()) foundAfter = i + 1
  }
  const distrusted = fleet.agents.map(({ agent }) => foundBy(agent))
  let untold = 0
  if (foundAfter !== null)
    for (const [n, { agent }] of fleet.agents.entries()) {
      const told = agent.events().filter((e) => e.type === 'contentRecalled').length
      const kept = agent.cache.list({}).entries.some(({ sha256 }) => wrongOf[n]!.has(sha256))
      if (wrongOf[n]!.size > 0 && (told === 0 || kept)) untold++
    }
  const sampledBytes = fleet.agents.reduce((sum, { agent }) => sum + agent.snapshot().totals.sampledBytes, 0)
  const contentBytes = flags.contents * flags.size
  const outcome = {
    ...all,
    foundAfter,
    untold,
    liarsFound: liars.filter(({ id }) => distrusted.every((found) => found.has(id))).length,
    originShare: (origin.stats().contentBytes - sampledBytes) / contentBytes,
    sampledShare: sampledBytes / contentBytes
  }
  await Promise.all(liars.map((liar) => liar.stop()))
  await fleet.stop()
  await origin.close()
  await rm(out, { recursive: true, force: true })
  return outcome
}
