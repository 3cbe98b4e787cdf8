import { stripVTControlCharacters, styleText } from 'node:util'
import type { SiteOutcome, AgentProgress, SiteProgress } from './site-run.ts'
import type { Baseline } from './direct-downloads.ts'
import { formatSize } from '../src-main/contract/sizes.ts'
import { formatSeconds } from './units.ts'

/** Everything the demo shows while it runs. */
export interface DemoScene {
  readonly agents: number
  readonly sizeBytes: number
  readonly rateMbit: number | null
  readonly progress: SiteProgress | null
  /** What just happened, newest last. */
  readonly news: readonly string[]
}

/** Turns styles on or off; see `styleText` of node:util. */
export type Paint = (style: 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan', text: string) => string

export const plain: Paint = (_style, text) => text
export const coloured: Paint = (style, text) => styleText(style, text, { validateStream: false })

const BAR_CELLS = 20
const NEWS_LINES = 6

/** The running demo as lines of at most 80 columns. */
export function drawScene(scene: DemoScene, paint: Paint): string {
  const rate = scene.rateMbit === null ? 'not limited' : `${scene.rateMbit} Mbit/s`
  const seconds = scene.progress ? formatSeconds(scene.progress.seconds) : ''
  return [
    '',
    ` ${paint('bold', 'Larder')}  ${scene.agents} PCs of one site want the same ${formatSize(scene.sizeBytes)} · WAN ${rate}${seconds ? ` · ${seconds}` : ''}`,
    '',
    paint(
      'dim',
      `   ${'PC'.padEnd(7)}${'role'.padEnd(10)}${'progress'.padEnd(BAR_CELLS + 7)}${'rate'.padStart(9)}${'from WAN'.padStart(10)}${'from PCs'.padStart(10)}`
    ),
    ...(scene.progress?.agents ?? []).map((agent) => drawAgent(agent, paint)),
    '',
    ...scene.news.slice(-NEWS_LINES).map((line, i, shown) => ` ${i === shown.length - 1 ? line : paint('dim', line)}`),
    ''
  ].join('\n')
}

function drawAgent(agent: AgentProgress, paint: Paint): string {
  const share = shareOf(agent)
  const master = agent.role === 'master' && agent.state !== 'killed' && agent.state !== 'done'
  const mark =
    agent.state === 'killed'
      ? paint('red', '✖')
      : agent.state === 'done'
        ? paint('green', '✔')
        : master
          ? paint('yellow', '★')
          : ' '
  const full = Math.floor(share * BAR_CELLS)
  const colour =
    agent.state === 'killed' || agent.state === 'failed'
      ? 'red'
      : agent.state === 'done'
        ? 'green'
        : master
          ? 'yellow'
          : 'cyan'
  const bar = paint(colour, '█'.repeat(full)) + paint('dim', '░'.repeat(BAR_CELLS - full))
  const role = {
    killed: 'killed',
    failed: 'failed',
    done: 'done',
    asked: 'waiting',
    working: agent.role === 'none' ? 'waiting' : agent.role
  }[agent.state]
  const rate =
    agent.rateBytesPerSecond > 0 && agent.state === 'working' ? `${formatSize(agent.rateBytesPerSecond)}/s` : ''
  return ` ${mark} ${agent.name.padEnd(7)}${paint(colour, role.padEnd(10))}${bar} ${`${Math.floor(share * 100)} %`.padStart(5)} ${rate.padStart(9)}${formatSize(agent.originBytes).padStart(10)}${formatSize(agent.peerBytes).padStart(10)}`
}

function shareOf(agent: AgentProgress): number {
  return agent.totalBytes === 0 ? 0 : Math.min(1, agent.haveBytes / agent.totalBytes)
}

/** One line per call for outputs that are no terminal. */
export function plainProgress(progress: SiteProgress): string {
  const agents = progress.agents.map((agent) => {
    return `${agent.name} ${agent.state === 'killed' ? 'killed' : `${Math.floor(shareOf(agent) * 100)} %`}${agent.role === 'master' && agent.state === 'working' ? ' (master)' : ''}`
  })
  return `${formatSeconds(progress.seconds).padStart(7)}  ${agents.join('  ')}`
}

/** What changed between two moments, as sentences. */
export function newsBetween(before: SiteProgress | null, after: SiteProgress): string[] {
  const at = formatSeconds(after.seconds).padStart(7)
  return after.agents.flatMap((agent, i) => {
    const was = before?.agents[i]
    const news: string[] = []
    if (agent.role === 'master' && was?.role !== 'master' && agent.state !== 'done')
      news.push(`${at}  ${agent.name} was elected master: it downloads from the WAN for all`)
    if (agent.state === 'done' && was?.state !== 'done') news.push(`${at}  ${agent.name} has everything`)
    if (agent.state === 'failed' && was?.state !== 'failed') news.push(`${at}  ${agent.name} failed: ${agent.note}`)
    return news
  })
}

/** The end of the demo: what it cost, beside what it would have cost. */
export function drawSummary(
  outcome: SiteOutcome,
  facts: { sizeBytes: number; optimumSeconds: number | null; baseline: Baseline },
  paint: Paint
): string {
  const { figures, perAgent, origin, killed } = outcome
  const survivors = perAgent.filter((agent) => !agent.killed)
  const right = survivors.filter((agent) => agent.wrongFiles === 0).length
  const good = isRight(outcome)
  const verdict = good
    ? paint('green', `✔ ${right} of ${survivors.length} files have the SHA-256 of the original`)
    : paint('red', `✖ only ${right} of ${survivors.length} files are right`)
  const line = (name: string, value: string, beside = ''): string =>
    `   ${name.padEnd(24)}${paint('bold', value.padEnd(10))}${beside ? paint('dim', beside) : ''}`
  return [
    '',
    ` ${verdict}`,
    line(
      'origin bytes ÷ content',
      `× ${figures.originRatio.toFixed(3)}`,
      `${formatSize(origin.contentBytes)} crossed the WAN; without Larder × ${facts.baseline.originRatio.toFixed(0)}`
    ),
    line(
      'first PC done after',
      formatSeconds(figures.firstSeconds),
      facts.optimumSeconds === null ? '' : `the WAN needs ${formatSeconds(facts.optimumSeconds)} for one copy`
    ),
    line(
      'last PC done after',
      formatSeconds(figures.lastSeconds),
      `without Larder ${formatSeconds(facts.baseline.lastSeconds)}${facts.baseline.how === 'arithmetic' ? ' (computed)' : ''}`
    ),
    ...(killed === null
      ? []
      : [
          line(
            'take-over after',
            formatSeconds(figures.takeoverSeconds, 2),
            figures.takeoverSeconds === null
              ? 'nobody needed the WAN any more'
              : `from killing ${killed} to bytes for the next`
          )
        ]),
    ''
  ].join('\n')
}

/** Every survivor has the right bytes, and the killed agent left no wrong file. */
export function isRight({ figures, perAgent }: SiteOutcome): boolean {
  return figures.wrongFiles === 0 && figures.failedRequests === 0 && perAgent.some((agent) => !agent.killed)
}

/** Columns a line takes on the screen, styles not counted; every character used here takes one. */
export function columns(line: string): number {
  return stripVTControlCharacters(line).length
}
