// How this PC downloads, and what it keeps.
import { z } from 'zod'
import { CertificateName } from '../request.ts'
import { ms, live, Weekday, weekdays } from './marks.ts'

export const transfers = z
  .object({
    originConcurrency: z
      .number()
      .int()
      .min(1)
      .max(32)
      .default(6)
      .describe('Downloads from origins at the same time; four of at most 64 KiB count as one.')
      .meta(live),
    uploadSlots: z
      .number()
      .int()
      .min(1)
      .max(64)
      .default(8)
      .describe('Pieces runs served to peers at the same time; of contents of at most 64 KiB four times as many.'),
    firstByteMs: ms(500, 600_000)
      .default(15_000)
      .describe('Go to the web server if nothing has arrived this long after the election, ms.')
      .meta(live),
    stallMs: ms(500, 600_000)
      .default(15_000)
      .describe('Go to the web server if there is no progress for this time, ms.')
      .meta(live),
    timeoutMs: ms(1000, 7 * 24 * 3600_000)
      .default(24 * 3600_000)
      .describe('Time limit of a request that sets none, ms.')
      .meta(live),
    holdMs: ms(0, 24 * 3600_000)
      .default(600_000)
      .describe('How long a finished transfer stays registered so that latecomers find it, ms; the newest 500 of them.')
      .meta(live)
  })
  .prefault({})

export const origin = z
  .object({
    proxy: z
      .string()
      .max(2048)
      // As it is shown; stored like that it would be the password.
      .refine((url) => !url.includes(':***@'), 'expected the password instead of ***')
      .nullable()
      .default(null)
      .describe('Proxy URL; null: from the environment (HTTPS_PROXY, HTTP_PROXY, NO_PROXY).'),
    checksumHosts: z
      .array(
        z
          .string()
          .max(260)
          .regex(/^(\*\.)?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/i, 'expected host or *.domain')
      )
      .max(256)
      .default([])
      .describe(
        'Hosts that publish digests in a file next to the download: <url>.sha256 or SHA256SUMS, fetched over https for each new version.'
      ),
    extraCaFile: z
      .string()
      .max(4096)
      .nullable()
      .default(null)
      .describe('PEM file of company root CAs, in addition to the system’s.'),
    clientCertificates: z
      .array(z.string().min(1).max(4096))
      .max(64)
      .default([])
      .describe('Files (PEM, PFX) and folders of them with client certificates for origins.'),
    clientCertificateRules: z
      .array(
        z
          .object({
            host: z.string().min(1).max(255),
            certIssuer: CertificateName.optional(),
            certSubject: CertificateName.optional()
          })
          .refine(
            (rule) => rule.certIssuer !== undefined || rule.certSubject !== undefined,
            'expected certIssuer or certSubject'
          )
      )
      .max(256)
      .default([])
      .describe('Which client certificate to show to which host (or *.domain): the first rule that fits.'),
    trustLoopback: z
      .boolean()
      .default(false)
      .describe(
        'Addresses of this PC count as any other origin: shared, and reached by redirects, lists and the gateway. For tests and demonstrations on one PC.'
      ),
    ignoredQuery: z
      .array(
        z
          .string()
          .max(300)
          .regex(/^(\*\.)?[a-z0-9.-]+\?[^\s?&=#]+$/i, 'expected host?parameter')
      )
      .max(200)
      .default([])
      .describe(
        'Query parameters to ignore in URLs, each as host?parameter or *.domain?parameter: URLs that differ only in these are one content.'
      ),
    connectTimeoutMs: ms(100, 120_000).default(10_000).describe('Limit for connecting to an origin, ms.'),
    responseTimeoutMs: ms(100, 600_000).default(30_000).describe('Limit for the first byte of an answer, ms.')
  })
  .prefault({})

export const cache = z
  .object({
    dir: z.string().max(4096).nullable().default(null).describe('Cache folder; null: `cache` in the data folder.'),
    maxBytes: z
      .number()
      .int()
      .min(1 << 20)
      .nullable()
      .default(null)
      .describe('Size limit; null: a tenth of the disk, at most 50 GiB.')
      .meta(live),
    maxDiskPercent: z
      .number()
      .min(0.1)
      .max(95)
      .nullable()
      .default(null)
      .describe('Size limit as a share of the disk, percent; with maxBytes the smaller one holds.')
      .meta(live),
    maxAgeDays: z
      .number()
      .min(1)
      .max(3650)
      .nullable()
      .default(null)
      .describe('Contents not used for this number of days are deleted; null: they stay until room is needed.')
      .meta(live),
    minFreeBytes: z
      .number()
      .int()
      .min(0)
      .default(2 * 1024 ** 3)
      .describe('Free disk space the cache leaves to others.')
      .meta(live)
  })
  .prefault({})

export const precache = z
  .object({
    list: z
      .string()
      .min(1)
      .max(4096)
      .nullable()
      .default(null)
      .describe('File or URL of a list of contents to have in the cache before anybody asks; null: none.')
      .meta(live),
    days: z
      .array(Weekday)
      .min(1)
      .max(7)
      .default([...weekdays])
      .describe('Days on which the time for it begins.')
      .meta(live),
    from: z.number().int().min(0).max(23).default(20).describe('Hour at which it may begin, local time.').meta(live),
    to: z
      .number()
      .int()
      .min(1)
      .max(24)
      .default(6)
      .describe('Hour it ends; over midnight when it is not after `from`.')
      .meta(live),
    jitterMinutes: z
      .number()
      .min(0)
      .max(1440)
      .default(60)
      .describe('Longest random wait before it begins, minutes; never more than half of what is left of the window.')
      .meta(live),
    onlyOnMains: z.boolean().default(true).describe('Not while this PC runs on battery.').meta(live),
    pinDays: z
      .number()
      .min(0)
      .max(3650)
      .nullable()
      .default(null)
      .describe(
        'Protects what it downloads from eviction for this number of days; null: no longer than other contents.'
      )
      .meta(live),
    atOnce: z.number().int().min(1).max(16).default(2).describe('Contents downloaded at the same time.').meta(live)
  })
  .prefault({})
