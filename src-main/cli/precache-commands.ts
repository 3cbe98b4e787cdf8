import { readFile, stat } from 'node:fs/promises'
import { connect } from '../client/connection.ts'
import type { PrecacheItem, PrecacheReport, PrecacheView } from '../contract/precache.ts'
import { LarderError, systemCode } from '../lib/errors.ts'
import { MAX_LIST_CHARS, readPrecacheList } from '../precache/read-list.ts'
import type { Output } from './output.ts'
import { localTime } from './printable.ts'
import type { AgentCommandOptions } from './show.ts'
import { countOf, formatSize } from '../contract/sizes.ts'
import { formatFacts, formatTable } from './table.ts'

const LOOK_EVERY_MS = 500

/** Begins a run: of the list given (a file here, or a URL the agent reads), else of that of the settings. Waits for its end unless told otherwise. */
export async function runPrecache(
  list: string | undefined,
  options: AgentCommandOptions & { readonly base?: string; readonly wait?: boolean },
  output: Output
): Promise<void> {
  const agent = await connect({ dataDir: options.dataDir })
  const spec =
    list === undefined
      ? {}
      : /^https?:\/\//i.test(list)
        ? { list }
        : { items: await itemsOf(list, options.base ?? null) }
  let view = await agent.startPrecache(spec)
  const shown = output.stderr.isTTY === true && !output.json
  while (options.wait !== false && view.running !== null) {
    if (shown) output.stderr.write(`\r\u001b[K${progressOf(view)}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
    view = await agent.precache()
  }
  if (shown) output.stderr.write('\r\u001b[K')
  output.result(view, () => describe(view))
  if (options.wait !== false && view.last !== null && view.last.failed.length > 0) {
    const { code } = view.last.failed[0]!
    throw new LarderError(code, `${view.last.failed.length} of ${view.last.total} contents could not be downloaded`)
  }
}

export async function stopPrecache(options: AgentCommandOptions, output: Output): Promise<void> {
  const view = await (await connect(options)).stopPrecache()
  output.result(view, () => 'Pre-caching ends; verified pieces are kept.')
}

export async function precacheStatus(options: AgentCommandOptions, output: Output): Promise<void> {
  const view = await (await connect(options)).precache()
  output.result(view, () => describe(view))
}

export async function listPrecache(options: AgentCommandOptions, output: Output): Promise<void> {
  const items = await (await connect(options)).precacheItems()
  output.result({ items }, () =>
    formatTable(
      ['URL', 'DIGEST', 'PIN', 'PRIORITY'],
      items.map((item) => [
        item.url,
        item.integrity ?? '',
        item.pinDays === undefined ? '' : `${item.pinDays} d`,
        item.priority ?? ''
      ]),
      { shorten: 'URL', width: output.width }
    )
  )
}

async function itemsOf(path: string, base: string | null): Promise<PrecacheItem[]> {
  try {
    const { size } = await stat(path)
    if (size > MAX_LIST_CHARS)
      throw new LarderError('BAD_REQUEST', `${path} has ${size} bytes, at most ${MAX_LIST_CHARS} are read`, {
        field: 'list'
      })
    return readPrecacheList(await readFile(path, 'utf8'), base)
  } catch (error) {
    if (error instanceof LarderError) throw error
    throw new LarderError('BAD_REQUEST', `The list ${path} cannot be read (${systemCode(error) ?? 'unreadable'})`, {
      field: 'list',
      cause: error
    })
  }
}

const progressOf = ({ running }: PrecacheView): string =>
  running === null
    ? ''
    : `${running.done} of ${running.total} contents, ${formatSize(running.bytes)} new${running.failed > 0 ? `, ${running.failed} failed` : ''}`

function describe(view: PrecacheView): string {
  const facts: [string, string][] = [
    ['list', view.list ?? 'none (precache.list)'],
    ['state', `${view.state}: ${view.why}`]
  ]
  if (view.nextAt !== null) facts.push(['next run', localTime(view.nextAt)])
  if (view.running) facts.push(['running', progressOf(view)])
  if (view.last) facts.push(...describeReport(view.last))
  return formatFacts(facts)
}

function describeReport(report: PrecacheReport): [string, string][] {
  return [
    ['last run', `${localTime(report.startedAt)} to ${localTime(report.endedAt)}, ${report.end}`],
    [
      '',
      `${report.done} of ${countOf(report.total, 'content')} in the cache, ${report.present} of them already there, ${formatSize(report.bytes)} new`
    ],
    ...report.failed.map((one): [string, string] => ['failed', `${one.url}: ${one.message} (${one.code})`])
  ]
}
