import { verifiedTexts } from '../contract/provenance.ts'
import { resolve } from 'node:path'
import { connect, type AgentConnection } from '../client/connection.ts'
import type { CacheLimitsSpec, CacheQueryInput } from '../contract/api.ts'
import type { Sha256Hex } from '../contract/ids.ts'
import type { CachePriority } from '../contract/cache-priority.ts'
import { LarderError } from '../lib/errors.ts'
import { shortId } from '../lib/short-id.ts'
import { formatDuration } from '../contract/durations.ts'
import type { Output } from './output.ts'
import { localTime } from './printable.ts'
import type { AgentCommandOptions } from './show.ts'
import { clearedThings } from '../contract/cleared.ts'
import { countOf, formatSize } from '../contract/sizes.ts'
import { formatFacts, formatTable } from './table.ts'

/** As many contents as are asked for at once when a digest is looked up. */
const LOOKUP_LIMIT = 1000

export async function listCache(options: AgentCommandOptions & CacheQueryInput, output: Output): Promise<void> {
  const { dataDir, limit, offset, search, sort } = options
  const listing = await (await connect({ dataDir })).cache({ limit, offset, search, sort })
  output.result(listing, () => {
    const { entries, total, stats } = listing
    const sum = `${entries.length} of ${countOf(total, 'content')} shown; ${formatSize(stats.bytes)} of ${formatSize(stats.maxBytes)} used`
    if (entries.length === 0) return sum
    const rows = entries.map((entry) => [
      shortId(entry.sha256),
      formatSize(entry.lengthBytes),
      entry.kind,
      entry.pinned ? 'pinned' : '',
      localTime(entry.lastUsedAt),
      String(entry.hits),
      entry.urls[0] ?? ''
    ])
    return `${formatTable(['SHA-256', 'SIZE', 'KIND', '', 'LAST USED', 'HITS', 'URL'], rows, { right: ['SIZE', 'HITS'], shorten: 'URL', width: output.width })}\n${sum}`
  })
}

export async function removeFromCache(
  digests: readonly string[],
  options: AgentCommandOptions & { readonly dryRun?: boolean },
  output: Output
): Promise<void> {
  const { dataDir, dryRun = false } = options
  const agent = await connect({ dataDir })
  const found: Sha256Hex[] = []
  for (const digest of digests) found.push(await lookUp(agent, digest))
  const removed: { sha256: Sha256Hex; bytes: number }[] = []
  for (const sha256 of found)
    removed.push({
      sha256,
      bytes: dryRun ? (await agent.contentDetail(sha256)).lengthBytes : await agent.removeContent(sha256)
    })
  output.result({ removed, dryRun }, () =>
    removed
      .map(
        ({ sha256, bytes }) =>
          `${shortId(sha256)} ${dryRun ? 'would be removed' : 'removed'}, ${formatSize(bytes)} freed`
      )
      .join('\n')
  )
}

export async function showContent(digest: string, options: AgentCommandOptions, output: Output): Promise<void> {
  const agent = await connect(options)
  const content = await agent.contentDetail(await lookUp(agent, digest))
  output.result(content, () => {
    const facts: [string, string][] = [
      ['SHA-256', content.sha256],
      ['size', `${formatSize(content.lengthBytes)} (${content.lengthBytes} bytes)`],
      ['kind', content.kind],
      ['verified by', verifiedTexts[content.verifiedBy]],
      ...content.provenances.flatMap(({ verifiedBy, source, signers }): [string, string][] => [
        ['came', `${verifiedTexts[verifiedBy]}${source === null ? '' : `, ${source.url} at ${localTime(source.at)}`}`],
        ...(source === null
          ? []
          : [
              [
                '',
                `${source.scheme}, answered by ${source.address ?? 'an unknown address'}${source.issuer === null ? '' : `, certificate by ${source.issuer}`}`
              ] as [string, string]
            ]),
        ...(signers.length === 0
          ? []
          : [['', `pieces signed by ${signers.map((id) => shortId(id)).join(', ')}`] as [string, string]])
      ]),
      [
        'pinned',
        content.pinned ? (content.pinnedUntil === null ? 'yes' : `until ${localTime(content.pinnedUntil)}`) : 'no'
      ],
      ['priority', content.priority],
      ['here since', localTime(content.createdAt)],
      ['last used', `${localTime(content.lastUsedAt)}, ${content.hits} times served to programs on this PC`],
      ...content.urls.map((url, i): [string, string] => [i === 0 ? 'URLs' : '', url]),
      [
        'served',
        content.servedTo.length === 0 ? formatSize(content.servedBytes) : `${formatSize(content.servedBytes)}, of it`
      ],
      ...content.servedTo.map(({ peer, name, bytes, lastAt }): [string, string] => [
        '',
        `${formatSize(bytes)} to ${name} (${shortId(peer)}), last ${localTime(lastAt)}`
      ])
    ]
    return formatFacts(facts)
  })
}

export async function pinInCache(
  digest: string,
  options: AgentCommandOptions & { readonly pinned: boolean; readonly for?: number },
  output: Output
): Promise<void> {
  const { dataDir, pinned } = options
  const agent = await connect({ dataDir })
  const sha256 = await lookUp(agent, digest)
  const until = await agent.pin(sha256, pinned, options.for ?? null)
  output.result(
    { sha256, pinned, until },
    () =>
      `${shortId(sha256)} is ${pinned ? `pinned${until === null ? '' : ` until ${localTime(until)}`}` : 'no longer pinned'}`
  )
}

export async function setContentPriority(
  digest: string,
  priority: CachePriority,
  options: AgentCommandOptions,
  output: Output
): Promise<void> {
  const agent = await connect(options)
  const sha256 = await lookUp(agent, digest)
  await agent.setPriority(sha256, priority)
  output.result({ sha256, priority }, () => `${shortId(sha256)} has ${priority} priority`)
}

/** Shows the limits; changes those given before. */
export async function cacheLimits(options: AgentCommandOptions, spec: CacheLimitsSpec, output: Output): Promise<void> {
  const changed = Object.values(spec).some((value) => value !== undefined)
  const agent = await connect(options)
  const stats = changed ? await agent.setCacheLimits(spec) : (await agent.cache({ limit: 1 })).stats
  output.result(stats, () => {
    const facts: [string, string][] = [
      [
        'used',
        `${formatSize(stats.bytes)} in ${countOf(stats.entries, 'content')}, ${formatSize(stats.partialBytes)} unfinished`
      ],
      ['at most', formatSize(stats.maxBytes)],
      [
        'left free',
        `${formatSize(stats.minFreeBytes)}${stats.freeBytes === null ? '' : ` (${formatSize(stats.freeBytes)} free now)`}`
      ],
      ['at most unused for', stats.maxAgeMs === null ? 'any time' : formatDuration(stats.maxAgeMs)],
      [
        'evicted',
        `${stats.evictions} since the start; ${stats.evictedLastHour.contents} in the last hour, ${formatSize(stats.evictedLastHour.bytes)}`
      ],
      ['folder', stats.dir]
    ]
    return `${formatFacts(facts)}${changed ? '\nThis holds until the agent next reads its settings.' : ''}`
  })
}

/** Moves the cache, or without a folder shows how far a move is. */
export async function relocateCache(
  dir: string | undefined,
  options: AgentCommandOptions,
  output: Output
): Promise<void> {
  const agent = await connect(options)
  const place = await agent.relocateCache(dir === undefined ? undefined : resolve(dir))
  const { moving } = (await agent.cache({ limit: 1 })).stats
  output.result({ ...place, moving }, () => {
    const lines = [`The cache is in ${place.dir}.`]
    if (place.next !== null)
      lines.push(`It moves to ${place.next} at the next start of the agent, which goes on working meanwhile.`)
    if (moving !== null)
      lines.push(
        `${moving.done} of ${countOf(moving.total, 'content')} (${formatSize(moving.bytes)}) have been moved out of ${moving.from}.${moving.problem === null ? '' : ` It stopped: ${moving.problem}`}`
      )
    return lines.join('\n')
  })
}

export async function clearCache(
  options: AgentCommandOptions & { readonly pinnedToo?: boolean; readonly dryRun?: boolean },
  output: Output
): Promise<void> {
  const { dataDir, pinnedToo = false, dryRun = false } = options
  const report = await (await connect({ dataDir })).clearCache({ pinnedToo, dryRun })
  output.result(
    report,
    () =>
      `${clearedThings(report) ?? 'Nothing'} ${report.dryRun ? 'would be removed' : 'removed'}; ${report.kept} kept, in use${pinnedToo ? '' : ' or pinned'}`
  )
}

export async function verifyCache(options: AgentCommandOptions, output: Output): Promise<void> {
  const agent = await connect(options)
  const shown = output.stderr.isTTY === true && !output.json
  const report = await agent.verifyCache({
    onProgress: (done, total) => {
      if (shown) output.stderr.write(`\r${done} of ${total} contents read`)
    }
  })
  if (shown) output.stderr.write('\r\u001b[K')
  output.result(report, () => {
    const parts = [`${countOf(report.checked, 'content')} read, ${report.ok} good`]
    if (report.damaged.length > 0)
      parts.push(`${report.damaged.length} damaged and quarantined (${report.damaged.map(shortId).join(', ')})`)
    if (report.missing.length > 0) parts.push(`${report.missing.length} were gone`)
    if (report.adopted.length > 0) parts.push(`${report.adopted.length} added to the index again`)
    if (report.strays > 0) parts.push(`${report.strays} stray files deleted`)
    return parts.join('; ')
  })
}

/** A whole digest, or its start when only one content has it. @throws BAD_REQUEST, NOT_FOUND */
async function lookUp(agent: AgentConnection, text: string): Promise<Sha256Hex> {
  const start = text.toLowerCase()
  if (!/^[0-9a-f]{6,64}$/.test(start))
    throw new LarderError('BAD_REQUEST', `${text.slice(0, 80)} is not the start of a SHA-256 (6 to 64 hex digits)`, {
      field: 'sha256'
    })
  if (start.length === 64) return start as Sha256Hex
  const { entries } = await agent.cache({ search: start, limit: LOOKUP_LIMIT })
  const matching = entries.filter((entry) => entry.sha256.startsWith(start))
  if (matching.length > 1)
    throw new LarderError('BAD_REQUEST', `${start} is the start of ${matching.length} digests; give more digits`, {
      field: 'sha256'
    })
  if (!matching[0]) throw new LarderError('NOT_FOUND', `The cache has no content ${start}…`, { sha256: start })
  return matching[0].sha256
}
