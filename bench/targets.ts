// Which benches make the page, and what they must show.
import { WanLab } from './lab/wan-lab.ts'
import type { Bench, Figure } from './page.ts'
import { at, countOf, largestOf, minus, over, times, worstAt, type Report } from './read-report.ts'

const idle = (kind: 'alone' | 'peers', where: string): Figure[] => [
  {
    title: `an idle agent ${where}, wakeups a second`,
    unit: '',
    digits: 1,
    of: at(`${kind}.wakeupsPerSecond`),
    beside: { title: 'bare Node', of: at('node.wakeupsPerSecond') },
    must: { most: 5 },
    aim: { most: 1 }
  },
  {
    title: `an idle agent ${where}, CPU`,
    unit: ' %',
    digits: 2,
    of: at(`${kind}.cpuPercent`),
    beside: { title: 'bare Node', of: at('node.cpuPercent') },
    must: { most: 0.3 },
    aim: { most: 0.1 }
  },
  {
    title: `an idle agent ${where}, memory`,
    unit: ' MiB',
    digits: 0,
    of: at(`${kind}.rssMiB`),
    beside: { title: 'bare Node', of: at('node.rssMiB') },
    must: { most: 85 },
    aim: { most: 70 }
  }
]

const copies: Figure = {
  title: 'origin bytes ÷ content bytes',
  unit: '',
  digits: 3,
  of: at('originRatio'),
  beside: { title: 'direct downloads', of: at('baseline.originRatio') },
  must: { most: 1.06 }
}

/** @param index of this many PCs in the report */
const smallFiles = (index: number, pcs: string): Figure => ({
  title: `${pcs}, small files through the gateway: last done ÷ direct`,
  unit: '',
  digits: 2,
  of: at(`medians.${index}.ratio`),
  beside: { title: 'direct, s', of: at(`medians.${index}.direct.lastSeconds`) },
  must: { most: 1.1 },
  aim: { most: 0.8 }
})

/** Milliseconds of CPU that one file cost one agent. */
function cpuPerFileMs(report: Report): number | null {
  const agents = report['perAgent'] as readonly { readonly cpuSeconds: number | null }[] | undefined
  const files = at('files')(report)
  const spent = agents?.map(({ cpuSeconds }) => cpuSeconds).filter((seconds) => seconds !== null) ?? []
  if (files === null || spent.length === 0) return null
  return (spent.reduce((total, seconds) => total + seconds, 0) / spent.length / files) * 1000
}

const TEN = ['--agents', '10']

export const benches: readonly Bench[] = [
  {
    name: 'idle',
    file: 'idle.ts',
    args: [],
    quick: ['--seconds', '20', '--settle', '15'],
    runs: 3,
    figures: [...idle('alone', 'alone'), ...idle('peers', 'with peers')]
  },
  {
    name: 'cli',
    file: 'cli.ts',
    args: [],
    quick: ['--runs', '5'],
    runs: 5,
    figures: [
      {
        title: '`larder status`',
        unit: ' s',
        digits: 3,
        of: at('status.median'),
        beside: { title: 'node -e 0', of: at('node.median') },
        must: { most: 0.15 },
        aim: { most: 0.1 }
      }
    ]
  },
  {
    name: 'delivery',
    file: 'delivery.ts',
    args: ['--runs', '1'],
    quick: ['--runs', '1', '--size', '256MiB'],
    runs: 5,
    figures: [
      {
        title: 'last byte verified → file delivered',
        unit: ' s',
        digits: 2,
        of: at('growing.median'),
        beside: { title: 'copied at the end', of: at('atTheEnd.median') },
        must: { most: 0.3 },
        aim: { most: 0.1 }
      }
    ]
  },
  {
    name: 'transfer',
    file: 'transfer.ts',
    args: ['--size', '1GiB'],
    quick: ['--size', '256MiB'],
    runs: 5,
    figures: [
      {
        title: 'agent → agent ÷ curl from nginx',
        unit: '',
        digits: 2,
        of: at('transfers.0.ratio'),
        beside: { title: 'curl, MiB/s', of: at('transfers.0.curlMiBs') },
        must: { least: 0.6 },
        aim: { least: 0.9 }
      },
      {
        title: 'CPU-s per GiB, both agents',
        unit: ' s',
        digits: 2,
        of: at('transfers.0.cpuSecondsPerGiB'),
        must: { most: 4 },
        aim: { most: 3 }
      },
      {
        title: 'event loop p99, the worse of both',
        unit: ' ms',
        digits: 0,
        of: worstAt('transfers.0.holder.eventLoopP99Ms', 'transfers.0.asker.eventLoopP99Ms'),
        must: { most: 20 }
      }
    ]
  },
  {
    name: 'site',
    file: 'site.ts',
    args: [...TEN, '--size', '50MiB'],
    quick: [...TEN, '--size', '12MiB'],
    runs: 5,
    figures: [
      copies,
      {
        title: 'ten PCs: last done − first done',
        unit: ' s',
        digits: 2,
        of: minus('lastSeconds', 'firstSeconds'),
        must: { most: 0.3 },
        aim: { most: 0.1 }
      }
    ]
  },
  {
    name: 'many-small',
    file: 'site.ts',
    args: [...TEN, '--files', '200', '--size', '10KiB'],
    quick: [...TEN, '--files', '40', '--size', '10KiB'],
    runs: 5,
    figures: [
      {
        title: 'ten PCs, small files: last done ÷ direct',
        unit: '',
        digits: 2,
        of: over('lastSeconds', 'baseline.lastSeconds'),
        beside: { title: 'direct, s', of: at('baseline.lastSeconds') },
        must: { most: 1.2 },
        aim: { most: 0.5 }
      },
      {
        title: 'the same: CPU per file and agent',
        unit: ' ms',
        digits: 1,
        of: cpuPerFileMs,
        must: { most: 5 },
        aim: { most: 2 }
      },
      copies
    ]
  },
  {
    name: 'small',
    file: 'small.ts',
    args: ['--runs', '1'],
    quick: ['--pcs', '1,3', '--files', '20'],
    runs: 5,
    missing: () => WanLab.missing(),
    figures: [
      smallFiles(0, 'one PC'),
      smallFiles(1, 'three PCs'),
      {
        title: 'ten PCs: WAN frames ÷ content',
        unit: '',
        digits: 2,
        of: at('medians.2.larder.wanRatio'),
        beside: { title: 'direct', of: at('medians.2.direct.wanRatio') },
        must: { most: 1.4 },
        aim: { most: 1.15 }
      },
      {
        title: 'ten PCs: LAN frames ÷ content',
        unit: '',
        digits: 1,
        of: at('medians.2.larder.lanRatio'),
        must: { most: 13 },
        aim: { most: 11 }
      }
    ]
  },
  {
    name: 'kill',
    file: 'site.ts',
    args: [...TEN, '--size', '50MiB', '--kill-master', '--no-baseline'],
    quick: ['--agents', '4', '--size', '25MiB', '--kill-master', '--no-baseline'],
    runs: 5,
    figures: [
      {
        title: 'kill -9 of the master → first byte for the next',
        unit: ' s',
        digits: 2,
        of: at('takeoverSeconds'),
        must: { most: 1 }
      },
      { ...copies, title: 'the same: origin bytes ÷ content bytes', beside: undefined, must: { most: 1.1 } }
    ]
  },
  {
    name: 'sim',
    file: 'sim.ts',
    args: ['--elections', '250,1000,2600,5000', '--site', '50,250', '--start', '100', '--kraken', '250'],
    quick: ['--elections', '10,50', '--site', '10', '--start', '10', '--kraken', 'none', '--faults', '3'],
    runs: 1,
    figures: [
      {
        title: 'simulated downloads with faults in which a rule did not hold',
        unit: '',
        digits: 0,
        of: at('faulty.brokenCount'),
        must: { most: 0 }
      },
      ...[250, 1000, 2600, 5000].flatMap((pcs, index): Figure[] => [
        {
          title: `simulated: ${pcs.toLocaleString('en')} PCs ask for one content: masters`,
          unit: '',
          digits: 0,
          of: at(`elections.${index}.masters`),
          must: { most: 1 }
        },
        {
          title: 'the same: what the coordinator sends for the election',
          unit: ' MB',
          digits: 2,
          of: times(at(`elections.${index}.coordinatorBytes`), 1e-6),
          must: { most: 0.5 }
        }
      ]),
      {
        title: 'simulated: 250 PCs: first question → decision (window 0.2 s)',
        unit: ' ms',
        digits: 0,
        of: at('elections.0.decidedMs'),
        must: { most: 250 }
      },
      {
        title: 'simulated: 250 PCs, 200 million bytes through 100 Mbit/s: copies',
        unit: '',
        digits: 2,
        of: at('downloads.1.copies'),
        must: { most: 1.01 }
      },
      {
        title: 'simulated: 100 PCs switched on together: copies',
        unit: '',
        digits: 2,
        of: at('downloads.2.copies'),
        must: { most: 1.01 }
      },
      {
        title: 'simulated: 3 billion bytes to 250 PCs at 2.4 Gbit/s: p99 ÷ optimum',
        unit: '',
        digits: 2,
        of: over('downloads.3.p99Ms', 'downloads.3.optimumMs'),
        must: { most: 1.5 },
        aim: { most: 1.2 }
      }
    ]
  },
  {
    name: 'model',
    file: 'model.ts',
    args: ['--sequences', '100000'],
    quick: ['--sequences', '2000'],
    runs: 1,
    figures: []
  },
  { name: 'life', file: 'life.ts', args: ['--rounds', '100'], quick: ['--rounds', '5'], runs: 1, figures: [] },
  { name: 'poison', file: 'poison.ts', args: [], quick: ['--contents', '5'], runs: 1, figures: [] },
  { name: 'fuzz', file: 'fuzz.ts', args: ['--minutes', '2'], quick: ['--messages', '200000'], runs: 1, figures: [] },
  {
    name: 'faults',
    file: 'faults.ts',
    args: ['--minutes', '8', '--times', '3'],
    quick: ['--minutes', '1', '--times', '1', '--only', 'kill'],
    runs: 1,
    figures: []
  },
  {
    name: 'attack',
    file: 'attack.ts',
    args: [],
    quick: ['--only', 'B'],
    runs: 1,
    figures: [
      {
        title: 'attacks that succeed',
        unit: '',
        digits: 0,
        of: countOf('attacks', ({ held }) => held === false),
        beside: { title: 'cannot be tried here', of: countOf('attacks', ({ held }) => held === null) },
        must: { most: 0 }
      }
    ]
  },
  {
    name: 'flood',
    file: 'flood.ts',
    args: [],
    quick: ['--seconds', '10', '--blocks', '1'],
    runs: 3,
    figures: [
      {
        title: 'a transfer beside an attack ÷ without',
        unit: '',
        digits: 2,
        of: over('attackedSeconds', 'quietSeconds'),
        beside: { title: 'without, s', of: at('quietSeconds') },
        must: { most: 1.5 },
        aim: { most: 1.1 }
      }
    ]
  },
  {
    name: 'crowd',
    file: 'crowd.ts',
    args: [],
    quick: ['--members', '100', '--hostile', '20', '--newcomers', '2'],
    runs: 3,
    figures: [
      {
        title: 'an honest newcomer’s first piece, the longest wait',
        unit: ' s',
        digits: 1,
        of: times(largestOf('waitsMs'), 0.001),
        must: { most: 5 }
      },
      {
        title: 'memory at most',
        unit: ' MiB',
        digits: 0,
        of: times(at('peakBytes'), 2 ** -20),
        must: { most: 400 }
      },
      {
        title: 'identities of one address that were let in',
        unit: '',
        digits: 0,
        of: at('inventedIn'),
        beside: { title: 'tried', of: at('inventedTried') },
        must: { most: 4 }
      }
    ]
  },
  {
    name: 'hub',
    file: 'hub.ts',
    args: [],
    quick: ['--members', '100', '--contents', '10'],
    runs: 3,
    figures: [
      { title: 'memory of a hub for each agent', unit: ' KiB', digits: 0, of: at('kibEach'), must: { most: 120 } },
      {
        title: 'kill -9 of the hub → all agents back',
        unit: ' s',
        digits: 1,
        of: times(at('backMs'), 0.001),
        must: { most: 60 }
      }
    ]
  }
]
