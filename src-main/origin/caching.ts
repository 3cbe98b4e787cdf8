import type { IncomingHttpHeaders } from 'node:http'
import CachePolicy from 'http-cache-semantics'
import { z } from 'zod'
import { systemClock, type Clock } from '../lib/clock.ts'

/** Most bytes of a serialised policy that are read back. */
const MAX_POLICY_BYTES = 16 * 1024

/** The fields that rule caching, and those that say what the bytes are; no others are kept, because they may hold secrets. */
const ruling = [
  'age',
  'cache-control',
  'date',
  'etag',
  'expires',
  'last-modified',
  'pragma',
  'vary',
  'content-type',
  'content-disposition'
] as const

const SerialisedPolicy = z.looseObject({
  v: z.literal(1),
  t: z.number(),
  resh: z.record(z.string(), z.string()),
  rescc: z.record(z.string(), z.union([z.string(), z.boolean()])),
  reqcc: z.record(z.string(), z.union([z.string(), z.boolean()]))
})

/**
 * The origin's caching rules (RFC 9111) as one shared cache, the site, has to follow them. No heuristic freshness: Larder asks
 * the origin each time.
 */
export function cachingRules(clock: Clock) {
  class Policy extends CachePolicy {
    // Called by the base constructor, so it must not need a field.
    now(): number {
      return clock.wallMs()
    }
  }
  const options = { shared: true, cacheHeuristic: 0 } as const
  const fresh = (headers: IncomingHttpHeaders, authorised: boolean) =>
    new Policy(
      { method: 'GET', url: '', headers: authorised ? { authorization: '*' } : {} },
      { status: 200, headers: pick(headers) },
      options
    )

  return {
    /** Rules of an answer; `storable` false: keep nothing of it. */
    of(headers: IncomingHttpHeaders, authorised: boolean): { policy: unknown; storable: boolean } {
      const policy = fresh(headers, authorised)
      const data = policy.toObject()
      const readable = read(data) !== null
      return { policy: readable ? data : null, storable: readable && policy.storable() }
    },
    /** Rules after a 304 renewed what is stored. */
    renewed(stored: unknown, headers: IncomingHttpHeaders): unknown {
      const before = read(stored)
      const merged = { ...before?.resh, ...pick(headers) }
      // A 304 is dated again; an age of the former answer does not count any more.
      if (headers.age === undefined) delete merged['age']
      return fresh(merged, false).toObject()
    },
    /** True when the rules allow to use a stored version that the origin could not be asked about. */
    mayServeStale(stored: unknown): boolean {
      const data = read(stored)
      if (!data) return false
      const rules = data.rescc
      // The library treats these as "not fresh" only; for a shared cache they also forbid stale use (RFC 9111 §5.2.2).
      if (
        'no-cache' in rules ||
        'no-store' in rules ||
        'private' in rules ||
        'proxy-revalidate' in rules ||
        's-maxage' in rules
      )
        return false
      return (
        policyOf(stored)?.evaluateRequest({ method: 'GET', url: '', headers: { 'cache-control': 'max-stale' } })
          .response !== undefined
      )
    },
    /** Age of a stored answer, whole seconds. */
    ageSeconds(stored: unknown): number {
      return Math.max(0, Math.floor(policyOf(stored)?.age() ?? 0))
    },
    /** True while the origin's rules let a stored version be used without asking. */
    isFresh(stored: unknown): boolean {
      return policyOf(stored)?.satisfiesWithoutRevalidation({ method: 'GET', url: '', headers: {} }) ?? false
    }
  }

  function policyOf(stored: unknown): InstanceType<typeof Policy> | null {
    const data = read(stored)
    if (!data) return null
    try {
      return Policy.fromObject({
        ...(data as unknown as CachePolicy.CachePolicyObject),
        m: 'GET',
        u: '',
        h: undefined,
        reqh: null
      }) as InstanceType<typeof Policy>
    } catch {
      return null
    }
  }
}

export type CachingRules = ReturnType<typeof cachingRules>

/** True when the origin's rules allow to use a stored version although the origin cannot be asked about it. */
export function mayServeStale(policy: unknown, clock: Clock = systemClock): boolean {
  return cachingRules(clock).mayServeStale(policy)
}

/** True while the origin's rules let a stored version be used without asking. */
export function isFresh(policy: unknown, clock: Clock = systemClock): boolean {
  return cachingRules(clock).isFresh(policy)
}

/** What is kept of an answer's fields (lower case), and how old it is by RFC 9111 §4.2.3, whole seconds. Empty for a policy that cannot be read. */
export function keptAnswer(
  policy: unknown,
  clock: Clock = systemClock
): { readonly fields: Readonly<Record<string, string>>; readonly ageSeconds: number } {
  const data = read(policy)
  return { fields: data?.resh ?? {}, ageSeconds: data === null ? 0 : cachingRules(clock).ageSeconds(policy) }
}

/** `Cache-Control` forbids sharing or keeping: `private` or `no-store`. */
export function forbidsSharing(headers: IncomingHttpHeaders): boolean {
  return /(^|[\s,])(private|no-store)\s*($|[=,])/i.test(headers['cache-control'] ?? '')
}

function pick(headers: IncomingHttpHeaders): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const name of ruling) {
    const value = headers[name]
    if (value !== undefined) kept[name] = name === 'cache-control' ? String(value).toLowerCase() : String(value)
  }
  return kept
}

function read(stored: unknown): z.infer<typeof SerialisedPolicy> | null {
  try {
    if ((JSON.stringify(stored) ?? '').length > MAX_POLICY_BYTES) return null
  } catch {
    return null
  }
  const parsed = SerialisedPolicy.safeParse(stored)
  return parsed.success ? parsed.data : null
}
