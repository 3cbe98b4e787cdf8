import { connect, type AgentConnection } from '../client/connection.ts'
import type { CacheQueryInput } from '../contract/api.ts'
import type { Sha256Hex } from '../contract/ids.ts'
import { LarderError } from '../lib/errors.ts'
import type { Output } from './output.ts'
import { localTime, shortId } from './printable.ts'
import type { AgentCommandOptions } from './show.ts'
import { formatSize } from './sizes.ts'
import { formatTable } from './table.ts'

/** As many contents as are asked for at once when a digest is looked up. */
const LOOKUP_LIMIT = 1000

export async function listCache(options: AgentCommandOptions & CacheQueryInput, output: Output): Promise<void> {
  const { dataDir, limit, offset, search, sort } = options
  const listing = await (await connect({ dataDir })).cache({ limit, offset, search, sort })
  output.result(listing, () => {
    const { entries, total, stats } = listing
    const sum = `${entries.length} of ${total} contents shown; ${formatSize(stats.bytes)} of ${formatSize(stats.maxBytes)} used`
    if (entries.length === 0) return sum
    const rows = entries.map((entry) => [shortId(entry.sha256), formatSize(entry.lengthBytes), entry.kind, entry.pinned ? 'pinned' : '', localTime(entry.lastUsedAt), String(entry.hits), entry.urls[0] ?? ''])
    return `${formatTable(['SHA-256', 'SIZE', 'KIND', '', 'LAST USED', 'HITS', 'URL'], rows, ['SIZE', 'HITS'])}\n${sum}`
  })
}

export async function removeFromCache(digests: readonly string[], options: AgentCommandOptions, output: Output): Promise<void> {
  const agent = await connect(options)
  const found: Sha256Hex[] = []
  for (const digest of digests) found.push(await lookUp(agent, digest))
  const removed: { sha256: Sha256Hex; bytes: number }[] = []
  for (const sha256 of found) removed.push({ sha256, bytes: await agent.removeContent(sha256) })
  output.result({ removed }, () => removed.map(({ sha256, bytes }) => `${shortId(sha256)} removed, ${formatSize(bytes)} freed`).join('\n'))
}

export async function pinInCache(digest: string, pinned: boolean, options: AgentCommandOptions, output: Output): Promise<void> {
  const agent = await connect(options)
  const sha256 = await lookUp(agent, digest)
  await agent.pin(sha256, pinned)
  output.result({ sha256, pinned }, () => `${shortId(sha256)} is ${pinned ? 'pinned' : 'no longer pinned'}`)
}

export async function clearCache(options: AgentCommandOptions & { readonly pinnedToo?: boolean; readonly dryRun?: boolean }, output: Output): Promise<void> {
  const { dataDir, pinnedToo = false, dryRun = false } = options
  const report = await (await connect({ dataDir })).clearCache({ pinnedToo, dryRun })
  output.result(report, () => `${report.removed} contents ${report.dryRun ? 'would be removed' : 'removed'}, ${formatSize(report.bytes)}; ${report.kept} kept because they are in use${pinnedToo ? '' : ' or pinned'}`)
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
    const parts = [`${report.checked} contents read, ${report.ok} good`]
    if (report.damaged.length > 0) parts.push(`${report.damaged.length} damaged and quarantined (${report.damaged.map(shortId).join(', ')})`)
    if (report.missing.length > 0) parts.push(`${report.missing.length} were gone`)
    if (report.adopted.length > 0) parts.push(`${report.adopted.length} taken in again`)
    if (report.strays > 0) parts.push(`${report.strays} stray files deleted`)
    return parts.join('; ')
  })
}

/** A whole digest, or its start when only one content has it. @throws BAD_REQUEST, NOT_FOUND */
async function lookUp(agent: AgentConnection, text: string): Promise<Sha256Hex> {
  const start = text.toLowerCase()
  if (!/^[0-9a-f]{6,64}$/.test(start)) throw new LarderError('BAD_REQUEST', `${text.slice(0, 80)} is not the start of a SHA-256 (6 to 64 hex digits)`, { field: 'sha256' })
  if (start.length === 64) return start as Sha256Hex
  const { entries } = await agent.cache({ search: start, limit: LOOKUP_LIMIT })
  const matching = entries.filter((entry) => entry.sha256.startsWith(start))
  if (matching.length > 1) throw new LarderError('BAD_REQUEST', `${start} is the start of ${matching.length} digests; give more digits`, { field: 'sha256' })
  if (!matching[0]) throw new LarderError('NOT_FOUND', `The cache has no content ${start}…`, { sha256: start })
  return matching[0].sha256
}
