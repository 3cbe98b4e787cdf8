import { connect, type AgentConnection } from '../client/connection.ts'
import { askerText } from '../contract/asked-by.ts'
import { formatTimeLeft } from '../contract/durations.ts'
import type { RequestId } from '../contract/ids.ts'
import {
  byProgress,
  groupOf,
  isFinal,
  receivedBytes,
  stateLabel,
  timeLeftMs,
  type DownloadGroup
} from '../contract/progress.ts'
import type { RequestView } from '../contract/request.ts'
import { countOf, formatSize } from '../contract/sizes.ts'
import { LarderError } from '../lib/errors.ts'
import { describeRole } from './describe-download.ts'
import type { Output } from './output.ts'
import { printable } from './printable.ts'
import { ScreenPart } from './screen-part.ts'
import type { AgentCommandOptions } from './show.ts'
import { fitted, formatTable } from './table.ts'
import { untilEnded } from './until-ended.ts'

export interface DownloadsOptions extends AgentCommandOptions {
  readonly watch?: boolean
  /** All that ended, not only the newest. */
  readonly all?: boolean
}

/** Ended downloads listed beside those that run. */
const MOST_ENDED = 10
/** Characters of a line that leave room for where it comes from, and for who asked. */
const WIDE = 110
const VERY_WIDE = 136
/** A screen is drawn again at most this often, ms. */
const DRAW_EVERY_MS = 500

/** Lists downloads; with `watch` until the command is ended: a screen that changes, or without a terminal a line per change. */
export async function showDownloads(options: DownloadsOptions, output: Output): Promise<void> {
  const agent = await connect(options)
  if (options.watch !== true) {
    const requests = await agent.requests()
    output.result({ requests }, () => describeDownloads(requests, options.all === true, output))
    return
  }
  const watcher = output.json || output.stdout.isTTY !== true ? new LineWatch(output) : new ScreenWatch(options, output)
  await untilEnded(async (signal) => {
    for await (const change of agent.stream({ signal }))
      if (change.type === 'snapshot') watcher.saw(change.snapshot.requests)
  })
}

/** Removes what has ended from the list. */
export async function clearDownloads(options: AgentCommandOptions, output: Output): Promise<void> {
  const { removed } = await (await connect(options)).call('request.clear')
  output.result({ removed }, () =>
    removed === 0 ? 'No ended download is listed.' : `${countOf(removed, 'ended download')} removed from the list.`
  )
}

export function describeDownloads(
  requests: readonly RequestView[],
  all: boolean,
  output: Pick<Output, 'width' | 'paint'>
): string {
  if (requests.length === 0) return 'No downloads.'
  const running = requests.filter((one) => !isFinal(one)).toSorted(byProgress)
  const over = requests.filter(isFinal).toSorted((a, b) => (b.finishedAt ?? 0) - (a.finishedAt ?? 0))
  const shown = [...running, ...(all ? over : over.slice(0, MOST_ENDED))]
  const colours = { active: 'cyan', waiting: 'dim', done: 'green', failed: 'red', cancelled: 'dim' } as const
  const groups = new Map(shown.map((one): [string, DownloadGroup] => [stateLabel(one), groupOf(one)]))
  const columns: Column[] = [
    ['ID', ({ id }) => shortRequestId(id)],
    ['STATE', stateLabel],
    ['DONE', howFar],
    ['RATE', rateOf],
    ['LEFT', leftOf],
    ...(output.width < WIDE ? [] : [['FROM', fromOf] as Column]),
    ...(output.width < VERY_WIDE ? [] : [['ASKED BY', askedBy] as Column]),
    ['URL', ({ url }) => url]
  ]
  const table = formatTable(
    columns.map(([name]) => name),
    shown.map((one) => columns.map(([, of]) => of(one))),
    {
      right: ['DONE', 'RATE', 'LEFT'],
      shorten: 'URL',
      width: output.width,
      paint: { STATE: (text) => output.paint(colours[groups.get(text) ?? 'active'], text) }
    }
  )
  const more = requests.length - shown.length
  return more === 0 ? table : `${table}\nand ${countOf(more, 'earlier download')}; --all lists them`
}

type Column = [name: string, of: (one: RequestView) => string]

const askedBy = ({ askedBy: by }: RequestView): string => (by === null ? '' : fitted(askerText(by), 24))

/** As much of an id as people type: `r-3f9a01`. */
export const shortRequestId = (id: string): string => id.slice(0, 8)

function howFar(one: RequestView): string {
  const { lengthBytes, state } = one
  if (lengthBytes === null) return formatSize(receivedBytes(one))
  if (state === 'done') return formatSize(lengthBytes)
  return `${lengthBytes === 0 ? 0 : Math.floor((receivedBytes(one) / lengthBytes) * 100)} % of ${formatSize(lengthBytes)}`
}

const rateOf = (one: RequestView): string =>
  groupOf(one) === 'active' && one.state === 'active' ? `${formatSize(one.rateBytesPerSecond)}/s` : ''

function leftOf(one: RequestView): string {
  const left = timeLeftMs(one)
  return left === null ? '' : formatTimeLeft(left)
}

/** Error, or from where it comes; how much from where, `larder why` tells. */
function fromOf(one: RequestView): string {
  if (one.error) return one.error.code
  const { cacheBytes, peerBytes, originBytes } = one.split
  const sources = [cacheBytes > 0 && 'cache', peerBytes > 0 && 'peers', originBytes > 0 && 'origin'].filter(Boolean)
  return sources.join(', ') || describeRole(one)
}

interface Watch {
  saw(requests: readonly RequestView[]): void
}

/** For programs and logs: a line when a download is new or its state is another. */
class LineWatch implements Watch {
  readonly #output: Output
  readonly #said = new Map<RequestId, string>()

  constructor(output: Output) {
    this.#output = output
  }

  saw(requests: readonly RequestView[]): void {
    for (const one of requests) {
      const state = stateLabel(one)
      if (this.#said.get(one.id) === state) continue
      this.#said.set(one.id, state)
      this.#output.result(one, () =>
        printable([shortRequestId(one.id), state, howFar(one), fromOf(one), one.url].filter(Boolean).join('  '))
      )
    }
    const known = new Set(requests.map(({ id }) => id))
    for (const id of this.#said.keys()) if (!known.has(id)) this.#said.delete(id)
  }
}

/** For people: the list, drawn over itself. */
class ScreenWatch implements Watch {
  readonly #options: DownloadsOptions
  readonly #output: Output
  readonly #screen: ScreenPart
  #latest: readonly RequestView[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(options: DownloadsOptions, output: Output) {
    this.#options = options
    this.#output = output
    this.#screen = new ScreenPart(output.stdout)
  }

  saw(requests: readonly RequestView[]): void {
    this.#latest = requests
    if (this.#timer) return
    this.#draw()
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#draw()
    }, DRAW_EVERY_MS)
    this.#timer.unref()
  }

  #draw(): void {
    this.#screen.draw(describeDownloads(this.#latest, this.#options.all === true, this.#output))
  }
}

/** Ends downloads: those named, or all that run. */
export async function cancelDownloads(
  names: readonly string[],
  options: AgentCommandOptions & { readonly all?: boolean },
  output: Output
): Promise<void> {
  if ((options.all === true) === names.length > 0)
    throw new LarderError('BAD_REQUEST', 'Name the downloads to cancel, or give --all')
  await each(names, options, output, 'cancelled', (agent, { id }) => agent.cancel(id))
}

/** Pauses single downloads; what has arrived is kept. */
export async function pauseDownloads(
  names: readonly string[],
  options: AgentCommandOptions,
  output: Output
): Promise<void> {
  await each(names, options, output, 'paused', (agent, { id }) => agent.pause(id))
}

export async function resumeDownloads(
  names: readonly string[],
  options: AgentCommandOptions,
  output: Output
): Promise<void> {
  await each(names, options, output, 'goes on', (agent, { id }) => agent.resume(id))
}

async function each(
  names: readonly string[],
  options: AgentCommandOptions & { readonly all?: boolean },
  output: Output,
  word: string,
  act: (agent: AgentConnection, request: RequestView) => Promise<RequestView>
): Promise<void> {
  const agent = await connect(options)
  const running = (await agent.requests()).filter((one) => !isFinal(one))
  // All are found before the first is touched: a name that fits none, or two, changes nothing.
  const meant = options.all === true ? running : names.map((name) => requestNamed(name, running))
  const requests: RequestView[] = []
  for (const one of meant) requests.push(await act(agent, one))
  output.result({ requests }, () =>
    requests.length === 0
      ? 'No download is running.'
      : requests.map((one) => `${shortRequestId(one.id)} ${word}: ${printable(one.url)}`).join('\n')
  )
}

/** @param name id or the start of one, with or without `r-`, or the whole URL. @throws NOT_FOUND, BAD_REQUEST when it fits several */
export function requestNamed(name: string, running: readonly RequestView[]): RequestView {
  const start = name.startsWith('r-') ? name : `r-${name}`
  const meant = running.filter(({ id, url }) => (start.length >= 6 && id.startsWith(start)) || url === name)
  if (meant.length > 1)
    throw new LarderError('BAD_REQUEST', `${name.slice(0, 80)} fits ${meant.length} downloads; give more of the id`)
  if (!meant[0])
    throw new LarderError(
      'NOT_FOUND',
      `No running download is called ${name.slice(0, 80)}; \`larder downloads\` lists them`
    )
  return meant[0]
}
