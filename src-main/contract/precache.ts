import { z } from 'zod'
import { CachePriority } from './cache-priority.ts'
import { ErrorCode } from './errors.ts'
import { ContentKind } from './request.ts'

export const MAX_PRECACHE_ITEMS = 10_000

/** One content to have in the cache before anybody asks. */
export const PrecacheItem = z.strictObject({
  /** Absolute http(s) URL, or relative to the list, or to `backgroundChannel.url` for a list without URL. */
  url: z.string().min(1).max(8192),
  /** `sha256-<base64>` or 64 hex digits. */
  integrity: z.string().min(1).max(200).optional(),
  kind: ContentKind.optional(),
  /** Protects it from eviction for this many days; absent: as `precache.pinDays`. */
  pinDays: z.number().min(0).max(3650).optional(),
  /** How late it goes when room is needed. */
  priority: CachePriority.optional()
})
export type PrecacheItem = z.infer<typeof PrecacheItem>

/** A list as JSON: items, or their URLs alone. Other forms: one URL per line, or the output of `sha256sum`. */
export const PrecacheList = z.strictObject({
  items: z
    .array(
      z.union([
        PrecacheItem,
        z
          .string()
          .min(1)
          .max(8192)
          .transform((url): PrecacheItem => ({ url }))
      ])
    )
    .max(MAX_PRECACHE_ITEMS)
})

export const PrecacheReport = z.object({
  /** Wall clock, ms. */
  startedAt: z.number(),
  endedAt: z.number(),
  total: z.number().int(),
  done: z.number().int(),
  /** Were in the cache already. */
  present: z.number().int(),
  bytes: z.number(),
  /** What failed; at most 100. */
  failed: z.array(z.object({ url: z.string(), code: ErrorCode, message: z.string() })),
  /** How it ended. `complete`: every content is there; `incomplete`: all were tried. */
  end: z.enum(['complete', 'incomplete', 'window-closed', 'on-battery', 'stopped', 'list-unreadable'])
})
export type PrecacheReport = z.infer<typeof PrecacheReport>

/**
 *     off        no list is set
 *     waiting ──► jitter ──► running ──► waiting      `running` also when somebody asks
 */
export const PrecacheView = z.object({
  state: z.enum(['off', 'waiting', 'jitter', 'running']),
  /** The list of the settings: a file or a URL. */
  list: z.string().nullable(),
  /** Why it does not run now; one sentence. */
  why: z.string(),
  /** When it begins by itself, wall clock, ms; null: that is not known, e.g. while it runs, on battery, or without a list. */
  nextAt: z.number().nullable(),
  running: z
    .object({
      startedAt: z.number(),
      total: z.number().int(),
      done: z.number().int(),
      failed: z.number().int(),
      bytes: z.number()
    })
    .nullable(),
  last: PrecacheReport.nullable()
})
export type PrecacheView = z.infer<typeof PrecacheView>
