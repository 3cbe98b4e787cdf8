import type { CachedContent, StoredVersion } from '../cache/cache.ts'
import { ContentKey, type Sha256Hex } from '../contract/ids.ts'
import type { ReasonCode, RequestSpec } from '../contract/request.ts'
import { hasCode, LarderError } from '../lib/errors.ts'
import { mayServeStale } from '../origin/caching.ts'
import { wishOf } from '../origin/certificate-choice.ts'
import { contentKeyOf } from '../origin/content-key.ts'
import type { OriginVersion } from '../origin/origin.ts'
import { planPieces } from '../pieces/plan.ts'
import type { TransferWorld } from '../transfers/job.ts'
import type { KeptAtPeers } from '../transfers/kept-at-peers.ts'
import type { LengthsAtPeers } from '../transfers/lengths-at-peers.ts'
import type { KnownVersion } from '../transfers/supply.ts'
import type { TransferInit } from '../transfers/transfer.ts'
import type { CachedCheck } from '../transfers/verify/cached-check.ts'
import { originVersionOf } from '../transfers/verify/evidence.ts'
import type { RequestTarget } from './request-target.ts'
import { mayComeWithBytes } from './with-bytes.ts'
import { storedVersionFor, storedVersionOf } from './stored-version.ts'
import type { VersionCheck } from './version-check.ts'

/** What is asked for, and by whom the origin is asked. */
export interface RouteQuestion {
  readonly world: Pick<TransferWorld, 'cache' | 'clock' | 'settings' | 'origin' | 'network' | 'site' | 'originSlots'>
  readonly versions: VersionCheck
  readonly cachedCheck: Pick<CachedCheck, 'holds'>
  readonly lengths?: Pick<LengthsAtPeers, 'find'> | undefined
  readonly kept?: Pick<KeptAtPeers, 'find'> | undefined
  readonly spec: RequestSpec
  readonly target: RequestTarget
  readonly expected: Sha256Hex | null
  /** The origin's word from a moment ago. */
  readonly known: KnownVersion | undefined
  readonly signal: AbortSignal
  /** It may go on as soon as it is known: it is not paused. */
  readonly mayGoOn?: boolean
  /** It has turned out to be larger than the cache may keep. */
  readonly pastCache?: boolean
  /** A version of which there were other bytes each time it was put together, here or at the origin. */
  readonly contradicted?: ContentKey | null
  /** Contents of the cache that are not what the origin has. */
  readonly notThese?: readonly Sha256Hex[]
}

/**
 *     cache      it is here
 *     transfer   it can be shared: one transfer for all who want it
 *     whole      no length or no version, or not to be shared: from start to end into the cache, not shared while it runs
 *     file       private, or too large for the cache: past it
 */
export type FoundRoute =
  | {
      readonly by: 'cache'
      readonly content: CachedContent
      readonly stale: boolean
      readonly key: ContentKey | null
      /** The key under which it was found. */
      readonly foundBy: ContentKey
    }
  | { readonly by: 'transfer'; readonly init: TransferInit; readonly stale: boolean }
  | {
      readonly by: 'whole'
      readonly version: OriginVersion
      readonly stored: StoredVersion | null
      readonly key: ContentKey | null
      readonly reason: ReasonCode | null
    }
  | {
      readonly by: 'file'
      readonly version: OriginVersion
      readonly destination: string
      readonly tooLarge: boolean
    }

/**
 * Asks the origin for the latest version and decides how its bytes are to be had.
 * @throws the codes of {@link OriginClient.probe}; DESTINATION_INVALID for private content without a destination, CACHE_TOO_SMALL for too large content
 */
export async function chooseRoute(question: RouteQuestion): Promise<FoundRoute> {
  const { world, versions, spec, target, expected, known, signal } = question
  const { cache, clock } = world
  const stored = target.private ? undefined : storedVersionFor(cache, world.origin.nameOf(target.url), target.headers)
  // Bytes other than those asked for are of no use, even when the origin still calls them its latest version.
  const found = stored && cache.findByKey(stored.key)
  const usable = found !== undefined && !question.notThese?.includes(found.sha256)
  const present = usable && (expected === null || found.sha256 === expected) ? found : undefined
  const fromCache = (content: CachedContent, { stale = false, key = null as ContentKey | null } = {}): FoundRoute => {
    return { by: 'cache', content, stale, key, foundBy: key ?? stored!.key }
  }
  if (known?.status === 'stale' && present) return fromCache(present, { stale: true })
  let version: OriginVersion
  let stale = false
  try {
    const asked = {
      stored: present ? stored : undefined,
      headers: target.headers,
      certificate: wishOf(spec),
      private: target.private,
      chooser: target.chooser,
      vouched: expected !== null,
      whole:
        question.mayGoOn === true
          ? mayComeWithBytes(world, { url: target.url, priority: spec.priority, known: stored !== undefined })
          : 0,
      signal
    }
    const answer =
      known?.status === 'version' || (known?.status === 'unchanged' && present)
        ? known
        : await versions.check(target.url, asked)
    if (answer.status === 'unchanged') {
      cache.confirm(stored!.url, answer.policy)
      // What it is known by may be less than what is asked for.
      const confirmed = { ...originVersionOf(stored!), url: target.url, finalUrl: target.url }
      return (await holds(question, present!, stored!.key, confirmed))
        ? fromCache(present!)
        : without(question, present!)
    }
    version = answer.version
  } catch (error) {
    if (
      present &&
      spec.allowStale &&
      hasCode(error, 'ORIGIN_UNREACHABLE', 'ORIGIN_STALLED', 'ORIGIN_STATUS') &&
      mayServeStale(stored!.policy, clock)
    )
      return fromCache(present, { stale: true })
    const atPeers = await fromPeersAlone(question, error)
    const old = atPeers === null ? await keptByPeers(question, error) : null
    const found = atPeers ?? old
    if (found === null) throw error
    version = found
    stale = old !== null
  }
  /** Nobody takes the bytes that may have come along. */
  const refused = (...error: ConstructorParameters<typeof LarderError>): LarderError => {
    world.origin.release(version)
    return new LarderError(...error)
  }
  if (target.private || version.unshareable === 'private' || !version.storable) {
    if (spec.destination === undefined)
      throw refused('DESTINATION_INVALID', 'This content is private and is never cached; name a destination file', {
        private: true
      })
    return { by: 'file', version, destination: spec.destination, tooLarge: false }
  }
  if (question.pastCache || (version.lengthBytes !== null && !cache.fits(version.lengthBytes))) {
    const { lengthBytes } = version
    if (spec.destination === undefined)
      throw refused('CACHE_TOO_SMALL', 'This content is too large for the cache; name a destination file', {
        lengthBytes
      })
    return { by: 'file', version, destination: spec.destination, tooLarge: true }
  }
  const key = version.unshareable === null ? contentKeyOf(version, expected) : null
  const storedVersion = key && storedVersionOf(version, key, clock.wallMs())
  if (key === null || storedVersion === null || version.lengthBytes === null)
    return { by: 'whole', version, stored: storedVersion, key, reason: storedVersion ? null : 'not-shareable' }
  const here = cache.findByKey(key)
  // An origin that names the digest of something else than it has says so by the length.
  const isIt = here && (expected !== null || here.plan.lengthBytes === version.lengthBytes)
  if (isIt && !question.notThese?.includes(here.sha256)) {
    world.origin.release(version)
    if (stale) return fromCache(here, { key, stale })
    if (!(await holds(question, here, key, version))) return without(question, here)
    cache.link(storedVersion, here.sha256)
    return fromCache(here, { key })
  }
  const { withoutDigest } = world.settings.sharing
  const unverifiable = withoutDigest === 'never' || (withoutDigest === 'strict' && !version.ranges)
  if (key.startsWith('version:') && (unverifiable || key === question.contradicted))
    return { by: 'whole', version, stored: storedVersion, key, reason: 'not-verifiable' }
  return {
    by: 'transfer',
    stale,
    init: {
      key,
      plan: planPieces(version.lengthBytes),
      version,
      expected: expected ?? version.sha256,
      // The origin has confirmed nothing.
      stored: stale ? { ...storedVersion, confirmedAt: 0 } : storedVersion,
      kind: spec.kind,
      headers: target.headers
    }
  }
}

/**
 * The origin is away, and what is asked for has a name of its own: others may have it.
 * @returns what is known of it then; null when nobody has it
 */
async function fromPeersAlone(
  { target, expected, lengths, signal }: RouteQuestion,
  error: unknown
): Promise<OriginVersion | null> {
  if (expected === null || target.private || lengths === undefined || !isAway(error)) return null
  const lengthBytes = await lengths.find(ContentKey.parse(`sha256:${expected}`), signal)
  if (lengthBytes === null) return null
  const { url } = target
  const unsaid = { etag: null, lastModified: null, sha256: null, unshareable: null, policy: null }
  return { ...unsaid, url, finalUrl: url, lengthBytes, ranges: true, storable: true }
}

/**
 * The origin is away, nothing is here, and an old version will do: others may keep one. Not where nothing may be believed that cannot be
 * compared with the origin.
 */
async function keptByPeers(
  { world, spec, target, expected, kept, signal }: RouteQuestion,
  error: unknown
): Promise<OriginVersion | null> {
  if (!spec.allowStale || expected !== null || target.private || kept === undefined || !isAway(error)) return null
  if (!['check', 'trust'].includes(world.settings.sharing.withoutDigest)) return null
  const { url, headers } = target
  // Which representation a field would choose only the origin can say.
  if (headers !== undefined) return null
  const knownBy = world.origin.nameOf(url)
  const version = await kept.find(knownBy, signal)
  if (version === null) return null
  const unsaid = { sha256: null, unshareable: null, policy: null, ranges: true, storable: true }
  return { ...unsaid, ...version, url, finalUrl: url, ...(knownBy !== url && { knownBy }) }
}

/** It does not answer, or is in no state to. */
function isAway(error: unknown): boolean {
  if (hasCode(error, 'ORIGIN_UNREACHABLE', 'ORIGIN_STALLED')) return true
  return error instanceof LarderError && error.code === 'ORIGIN_STATUS' && Number(error.details['status']) >= 500
}

/** It is what the origin has, as far as this PC looks. */
async function holds(
  { cachedCheck, spec, target, expected, signal }: RouteQuestion,
  content: CachedContent,
  key: ContentKey,
  version: OriginVersion
): Promise<boolean> {
  if (expected !== null) return true
  const asked = { ...version, certificate: wishOf(spec), chooser: target.chooser }
  return cachedCheck.holds({ content, key, version: asked, kind: spec.kind, headers: target.headers, signal })
}

/** The same question as if it were not here. */
function without(question: RouteQuestion, content: CachedContent): Promise<FoundRoute> {
  const notThese = [...(question.notThese ?? []), content.sha256]
  return chooseRoute({ ...question, known: undefined, notThese })
}
