import { connect } from '../client/connection.ts'
import type { RatesAnswer, RatesSpec } from '../contract/rates.ts'
import { rateKinds, type RateKind } from '../contract/settings.ts'
import type { Output } from './output.ts'
import type { AgentCommandOptions } from './show.ts'
import { formatSize } from '../contract/sizes.ts'
import { formatFacts, formatTable } from './table.ts'

const names: Record<RateKind, string> = {
  wanForeground: 'from origins',
  wanBackground: 'from origins, background',
  lanForeground: 'from peers',
  lanBackground: 'from peers, background',
  upload: 'to peers'
}

export async function showRates(
  options: AgentCommandOptions & { readonly table?: boolean },
  output: Output
): Promise<void> {
  const rates = await (await connect(options)).rates()
  output.result(rates, () => describeRates(rates, options.table === true))
}

export async function changeRates(options: AgentCommandOptions, spec: RatesSpec, output: Output): Promise<void> {
  const rates = await (await connect(options)).setRates(spec)
  output.result(rates, () => `${describeRates(rates, false)}\nThis holds until the agent next reads its settings.`)
}

function describeRates(rates: RatesAnswer, table: boolean): string {
  const { caps, adaptive, uploads, scheduled } = rates
  const facts = rateKinds.map((kind): [string, string] => [names[kind], rate(caps[kind])])
  facts.push(['by the hour', scheduled ? 'yes (see --table)' : 'no'])
  facts.push([
    'adaptive',
    adaptive.enabled ? `background downloads yield at ${adaptive.targetMs} ms of queueing` : 'off'
  ])
  for (const { origin, windowBytes, queueingDelayMs } of adaptive.origins)
    facts.push([
      '',
      `${origin}: window ${windowBytes === null ? 'none, delay unknown' : formatSize(windowBytes)}, queueing ${queueingDelayMs} ms`
    ])
  facts.push([
    'served this month',
    `${formatSize(uploads.bytes)}${uploads.limitBytes === null ? '' : ` of ${formatSize(uploads.limitBytes)}${uploads.allowed ? '' : ', nothing more until next month'}`}`
  ])
  return table
    ? `${formatFacts(facts)}\n\n${rateKinds.map((kind) => describeTable(rates, kind)).join('\n\n')}`
    : formatFacts(facts)
}

/** The hours of a day with the same cap are one column entry: `0–8 none, 8–18 244 KiB/s`. */
function describeTable({ table }: RatesAnswer, kind: RateKind): string {
  const rows = table.days.map(({ day, hours }) => {
    const spans: string[] = []
    for (let from = 0; from < hours.length;) {
      let to = from + 1
      while (to < hours.length && hours[to]![kind] === hours[from]![kind]) to++
      spans.push(`${from}–${to} ${rate(hours[from]![kind])}`)
      from = to
    }
    return [day === table.now.day ? `${day} *` : day, spans.join(', ')]
  })
  return `${names[kind]}\n${formatTable(['DAY', 'HOURS'], rows)}`
}

const rate = (bytesPerSecond: number | null): string =>
  bytesPerSecond === null ? 'no limit' : `${formatSize(bytesPerSecond)}/s`
