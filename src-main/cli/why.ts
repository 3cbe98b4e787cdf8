import { connect } from '../client/connection.ts'
import { askerText } from '../contract/asked-by.ts'
import { verifiedTexts } from '../contract/provenance.ts'
import type { WhyDownload, WhyView } from '../contract/why.ts'
import { formatDuration } from '../contract/durations.ts'
import type { Output } from './output.ts'
import { localTime, printable } from './printable.ts'
import { describeEvent, type AgentCommandOptions } from './show.ts'
import { formatSize } from '../contract/sizes.ts'
import { shortId } from '../lib/short-id.ts'

/** Tells why downloads came from where they did. @throws NOT_FOUND */
export async function showWhy(
  about: string,
  options: AgentCommandOptions & { readonly all?: boolean },
  output: Output
): Promise<void> {
  const view = await (await connect(options)).why(about)
  output.result(view, () => describeWhy(view, options.all === true))
}

export function describeWhy({ downloads }: WhyView, all: boolean): string {
  const shown = all ? downloads : downloads.slice(0, 1)
  const more = downloads.length - shown.length
  return [
    ...shown.map(describeDownload),
    ...(more > 0
      ? [
          `${more} earlier ${more === 1 ? 'download matches' : 'downloads match'} too; --all shows ${more === 1 ? 'it' : 'them'}.`
        ]
      : [])
  ].join('\n\n')
}

function describeDownload(one: WhyDownload): string {
  const { split, peers, causes, history } = one
  const took = one.finishedAt === null ? 'still running' : `took ${formatDuration(one.finishedAt - one.createdAt)}`
  const lines = [
    one.verdict,
    ...(one.next === null ? [] : [`→ ${one.next}`]),
    '',
    `  what     ${one.url}`,
    `  request  ${one.requestId}, ${one.state}, asked ${localTime(one.createdAt)}, ${took}`,
    ...(one.askedBy === null ? [] : [`  asked by ${askerText(one.askedBy)}`]),
    `  content  ${contentOf(one)}, ${one.lengthBytes === null ? 'length unknown' : formatSize(one.lengthBytes)}`,
    `  came     origin ${formatSize(split.originBytes)}, peers ${formatSize(split.peerBytes)}, cache ${formatSize(split.cacheBytes)}`,
    ...(one.verifiedBy === null ? [] : [`  verified by ${verifiedTexts[one.verifiedBy]}`]),
    ...(one.masterName === null ? [] : [`  master   ${one.masterName}`]),
    ...peers.map(({ name, bytes }) => `  peer     ${name}: ${formatSize(bytes)}`),
    ...(one.error === null
      ? []
      : [`  error    ${one.error.message} (${one.error.code})`, `           → ${one.error.next}`]),
    ...one.originQuirks.map((text) => `  server   ${text}`),
    ...causes.flatMap(({ code, text, next, at }) => [
      `  cause    ${localTime(at)}  ${text} (${code})`,
      `           → ${next}`
    ])
  ]
  return [
    ...lines.map(printable),
    ...(history.length === 0
      ? []
      : ['', '  what happened meanwhile', ...history.map((event) => `  ${describeEvent(event)}`)])
  ].join('\n')
}

/** By which name the content goes: what it is where that is known, else what was asked for. */
function contentOf({ sha256, key, error }: WhyDownload): string {
  if (sha256 !== null) return `SHA-256 ${shortId(sha256)}`
  if (error?.code === 'DIGEST_MISMATCH') return 'not the expected one'
  if (key === null) return 'not shared'
  const id = shortId(key.slice(key.indexOf(':') + 1))
  return key.startsWith('sha256:') ? `expected SHA-256 ${id}` : `version ${id}`
}
