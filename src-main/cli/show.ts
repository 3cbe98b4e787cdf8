import { connect } from '../client/connection.ts'
import type { StatusView } from '../contract/api.ts'
import type { MasterView } from '../contract/snapshot.ts'
import type { AgentEvent } from '../contract/events.ts'
import { formatDuration } from '../contract/durations.ts'
import type { Output } from './output.ts'
import { localTime, printable } from './printable.ts'
import { countOf, formatSize } from '../contract/sizes.ts'
import { shortId } from '../lib/short-id.ts'
import { formatFacts, formatTable } from './table.ts'

/** Options of every command that talks to the agent. */
export interface AgentCommandOptions {
  readonly dataDir?: string
}

export async function showStatus(options: AgentCommandOptions, output: Output): Promise<void> {
  const status = await (await connect(options)).status()
  output.result(status, () => describeStatus(status))
}

export function describeStatus(status: StatusView): string {
  const { integration, paused, fleet, ports, weight, cache, totals, savings } = status
  return formatFacts([
    [
      'agent',
      `${status.name}, Larder ${status.version}, process ${status.pid}, ${status.state} since ${localTime(status.startedAt)}`
    ],
    [
      'integration',
      `${integration.enabled ? 'on' : 'off'} (by ${integration.by}, ${localTime(integration.since)}${integration.reason === null ? '' : `: ${integration.reason}`})${integration.managedBy === null ? '' : ', not to be switched here'}`
    ],
    [
      'transfers',
      paused
        ? `paused ${paused.until === null ? 'until resumed' : `until ${localTime(paused.until)}`}`
        : `${countOf(status.requestsRunning, 'download')} running, ${status.requestsWaiting.toLocaleString('en')} waiting`
    ],
    ['fleet', fleet.member ? `member by ${fleet.via}` : 'no member (set a site key with --fleet-key)'],
    ['peers', `${status.peersConnected} connected, ${status.peersSeen} known`],
    ['serving', status.uploadsRunning === 0 ? 'nobody right now' : `${status.uploadsRunning} uploads`],
    ['weight', `${weight.value} (${[weight.why, weight.machine].filter(Boolean).join('; ')})`],
    [
      'ports',
      `local API ${ports.api ?? '–'}, peers ${ports.peer ?? '–'}, beacon ${ports.beacon ?? '–'}, gateway ${ports.gateway ?? 'off'}`
    ],
    [
      'cache',
      `${countOf(cache.entries, 'content')}, ${formatSize(cache.bytes)} of ${formatSize(cache.maxBytes)}${cache.diskFull ? ', the disk is full' : ''} in ${cache.dir}`
    ],
    [
      'received',
      `origin ${formatSize(totals.originBytes)}, peers ${formatSize(totals.peerBytes)}, cache ${formatSize(totals.cacheBytes)}`
    ],
    ['served', formatSize(totals.servedBytes)],
    [
      'saved',
      `${share(savings.today.savedShare)} today, ${share(savings.days7.savedShare)} in 7 days, ${share(savings.days28.savedShare)} in 28 days`
    ],
    ['fallbacks', String(totals.fallbacks)]
  ])
}

/** Part of the bytes that no origin had to send. */
const share = (saved: number | null): string => (saved === null ? '–' : `${Math.floor(saved * 100)} %`)

export async function showPeers(options: AgentCommandOptions, output: Output): Promise<void> {
  const peers = await (await connect(options)).peers()
  output.result({ peers }, () => {
    if (peers.length === 0) return 'No other agent has been seen.'
    const rows = peers.map((peer) => [
      peer.name,
      peer.address,
      `${peer.state}${peer.banned ? ', banned' : ''}`,
      String(peer.weight ?? '–'),
      peer.version ?? '–',
      formatSize(peer.receivedBytes),
      formatSize(peer.servedBytes)
    ])
    const table = formatTable(['NAME', 'ADDRESS', 'STATE', 'WEIGHT', 'VERSION', 'RECEIVED', 'SERVED'], rows, {
      right: ['WEIGHT', 'RECEIVED', 'SERVED'],
      shorten: 'NAME',
      width: output.width
    })
    return withNotes(
      table,
      peers.map(({ reason }) => reason),
      output
    )
  })
}

/** A table whose rows are followed by a sentence, indented, where there is one to say. */
function withNotes(table: string, notes: readonly (string | null)[], output: Output): string {
  const [head, ...lines] = table.split('\n')
  return [head, ...lines.flatMap((line, at) => [line, ...(notes[at] ? [note(notes[at], output)] : [])])].join('\n')
}

const note = (text: string, output: Output): string => output.paint('dim', `  ${printable(text)}`)

export async function showMasters(options: AgentCommandOptions, output: Output): Promise<void> {
  const masters = await (await connect(options)).masters()
  output.result({ masters }, () => {
    if (masters.length === 0) return 'This agent knows of no election.'
    const finished = masters.filter((one) => one.finished)
    const shown = [...masters.filter((one) => !one.finished), ...finished.slice(0, MOST_FINISHED)]
    const rows = shown.map((one) => [
      one.url ?? shortId(one.key.slice(one.key.indexOf(':') + 1)),
      masterOf(one),
      String(one.epoch),
      String(one.members),
      one.coordinatorName ?? (one.coordinator ? shortId(one.coordinator) : '–')
    ])
    const table = withNotes(
      formatTable(['CONTENT', 'MASTER', 'EPOCH', 'MEMBERS', 'COORDINATOR'], rows, {
        right: ['EPOCH', 'MEMBERS'],
        shorten: 'CONTENT',
        width: output.width
      }),
      shown.map(({ why }) => why),
      output
    )
    const more = masters.length - shown.length
    return more === 0 ? table : `${table}\nand ${more.toLocaleString('en')} more that are finished; --json lists them`
  })
}

/** Finished contents listed; they stay known for a while, so that latecomers find them. */
const MOST_FINISHED = 20

function masterOf({ self, masterName, master, finished }: MasterView): string {
  if (self) return 'this PC'
  return masterName ?? (master ? shortId(master) : finished ? 'finished' : 'not elected yet')
}

export function describeEvent(event: AgentEvent): string {
  const took = event.ms === undefined ? '' : ` (${formatDuration(event.ms)})`
  return `${String(event.seq).padStart(5)}  ${localTime(event.at)}  ${event.type.padEnd(18)}  ${printable(event.text)}${took}`
}
