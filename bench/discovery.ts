// How long PCs take to find each other: on a start, and after a network card was pulled out and plugged in again.
import { setTimeout as sleep } from 'node:timers/promises'
import { loadavg } from 'node:os'
import { Command } from 'commander'
import { LabAgent, machineMs } from '../src-main/testing/lab/lab-agent.ts'
import { NamespaceLab, whyNoLab } from '../src-main/testing/lab/namespace-lab.ts'
import { readFlags } from './flags.ts'
import { newSiteKey } from '../src-main/peers/fleet/site-key.ts'
import { drawTable } from './table.ts'
import { parseCount } from './units.ts'

interface Flags {
  hosts: number
  runs: number
}

/** A card is gone for this long, in each run for another time, so that it comes back at any moment between two scans. */
const goneMs = (run: number): number => 13_000 + ((run * 3_700) % 10_000)
const LIMIT_MS = 60_000

const program = new Command('bench:discovery')
  .description(
    'Two subnets of PCs, one PC in both: time to the first and last peer after its start, and after a replug. Needs root on Linux.'
  )
  .option('--hosts <n>', 'PCs per subnet, the common one included', parseCount(2, 50), 5)
  .option('--runs <n>', 'repetitions', parseCount(1, 100), 10)
const flags = readFlags<Flags>(program)

const noLab = whyNoLab()
if (noLab !== null) {
  process.stderr.write(`No measurement here: ${noLab}.\n`)
  process.exit(1)
}

const siteKey = newSiteKey()
const subnets = ['1', '2'] as const
const lab = await NamespaceLab.open()
const others: LabAgent[] = []
const figures: Record<string, number[]> = {}
const note = (what: string, ms: number): void => void (figures[what] ??= []).push(ms / 1000)

try {
  for (const subnet of subnets) await lab.addSwitch(subnet, `10.77.${subnet}.1/24`)
  const common = await lab.addHost('common')
  for (const subnet of subnets) await common.plug(`eth${subnet}`, subnet, `10.77.${subnet}.10/24`)
  for (const subnet of subnets) {
    for (let i = 1; i < flags.hosts; i++) {
      const host = await lab.addHost(`pc-${subnet}-${i}`)
      await host.plug('eth0', subnet, `10.77.${subnet}.${10 + i}/24`)
      others.push(await LabAgent.start(host, { siteKey }))
    }
  }
  const far = others.filter(({ name }) => name.startsWith('pc-2'))
  for (let run = 1; run <= flags.runs; run++) {
    process.stderr.write(`run ${run} of ${flags.runs}, load ${loadavg()[0]!.toFixed(1)}\n`)
    const agent = await LabAgent.start(common, { siteKey })
    const [first, last] = await meetings(
      agent,
      others.map(({ name }) => name),
      0
    )
    const networkMs = agent.told.find(({ event }) => event.type === 'agentStarted')!.ms
    note('start of the process’s agent → first peer', first - agent.startedMs)
    note('ports open → first peer', Math.max(0, first - networkMs))
    note('ports open → last peer', Math.max(0, last - networkMs))
    await common.remove('eth2')
    await sleep(goneMs(run))
    await common.plug('eth2', '2', '10.77.2.10/24')
    const pluggedMs = machineMs()
    const [firstAgain, lastAgain] = await meetings(
      agent,
      far.map(({ name }) => name),
      pluggedMs
    )
    note('replug → first peer again', firstAgain - pluggedMs)
    note('replug → last peer again', lastAgain - pluggedMs)
    await agent.stop()
  }
} finally {
  await Promise.all(others.map((agent) => agent.stop().catch(() => {})))
  await lab.close()
}

const rows = Object.entries(figures).map(([what, seconds]) => {
  const sorted = seconds.toSorted((a, b) => a - b)
  return { what, runs: sorted.length, median: sorted[Math.floor(sorted.length / 2)]!, worst: sorted.at(-1)! }
})
if (flags.json) process.stdout.write(`${JSON.stringify({ hosts: flags.hosts, rows })}\n`)
else
  process.stdout.write(
    `${drawTable(
      ['', 'runs', 'median', 'worst'],
      rows.map(({ what, runs, median, worst }) => [
        what,
        String(runs),
        `${median.toFixed(2)} s`,
        `${worst.toFixed(2)} s`
      ])
    )}\n`
  )

/** When the first and the last of these peers was connected, at or after `sinceMs`. */
async function meetings(agent: LabAgent, names: readonly string[], sinceMs: number): Promise<[number, number]> {
  const met = await Promise.all(
    names.map((name) =>
      agent.until(({ event }) => event.type === 'peerConnected' && event.peerName === name, LIMIT_MS, sinceMs)
    )
  )
  const times = met.map(({ ms }) => ms)
  return [Math.min(...times), Math.max(...times)]
}
