import { z } from 'zod'
import { channelFolder } from './background-channel.ts'
import { HubSettings } from './hub-settings.ts'
import { CertificateName } from './request.ts'
import { DEFAULT_PORTS } from './version.ts'

const port = z.number().int().min(0).max(65535)
const ms = (min: number, max: number) => z.number().int().min(min).max(max)

/** 32 random bytes as `larder-site-<base64url>`; whoever has it is a member of the fleet. */
export const SiteKey = z
  .string()
  .regex(/^larder-site-[A-Za-z0-9_-]{43}$/, 'expected a key made by `larder fleet key new`')

/** A change counts at once; what has no such mark counts from the agent's next start on. */
const live = { live: true }
/** Live too, and a name that does not end with its unit. */
const liveRate = { ...live, unit: 'bytes per second' }
/** Never shown, only whether there is one. */
const secret = { secret: true }

/** A host as the gateway's list names it. */
export const GatewayHost = z
  .string()
  .max(260)
  .regex(
    /^(\*|(\*\.)?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?(:\d{1,5})?|\[[0-9a-f:.]+\](:\d{1,5})?)$/i,
    'expected host, host:port, *.domain or *'
  )

/** Hosts as the settings for sharing list them. */
const HostPatterns = z
  .array(
    z
      .string()
      .max(255)
      .regex(/^(\*|(\*\.)?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\])$/i, 'expected host, *.domain or *')
  )
  .max(1000)
  .default([])

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export const Weekday = z.enum(weekdays)
export type Weekday = z.infer<typeof Weekday>

/** The kinds of traffic that have a cap of their own. WAN: from origins. LAN: pieces from peers. Upload: pieces to peers. */
export const rateKinds = ['wanForeground', 'wanBackground', 'lanForeground', 'lanBackground', 'upload'] as const
export type RateKind = (typeof rateKinds)[number]

/** Bytes per second; null: no limit. */
const rate = (least: number) =>
  z
    .number()
    .int()
    .min(least)
    .max(2 ** 40)
    .nullable()
const wanRate = rate(16 * 1024)
/** Peers give up somebody who takes or sends next to nothing, so these begin higher. */
const lanRate = rate(2 ** 20)
const uploadRate = rate(64 * 1024)

/** Caps to change; what is not named stays as it is. */
export const RateCaps = z.strictObject({
  wanForeground: wanRate.optional(),
  wanBackground: wanRate.optional(),
  lanForeground: lanRate.optional(),
  lanBackground: lanRate.optional(),
  upload: uploadRate.optional()
})

/** Other caps for some hours of some days, by local time. */
export const RateRule = RateCaps.extend({
  days: z
    .array(Weekday)
    .min(1)
    .max(7)
    .default([...weekdays]),
  /** Hour it begins, and hour it ends at; over midnight when `to` is not after `from`. */
  from: z.number().int().min(0).max(23),
  to: z.number().int().min(1).max(24)
})
export type RateRule = z.infer<typeof RateRule>

/**
 * Every setting of an agent, with its default. The same schema reads the settings file, the policy file and the
 * command line. Names are `section.name` for people; a name ends with its unit where it has one.
 */
export const Settings = z.object({
  integration: z
    .object({
      enabled: z
        .boolean()
        .default(true)
        .describe('Serve programs on this PC. Off: clients download directly.')
        .meta(live),
      defaultStaggerRangeSeconds: z
        .number()
        .min(0)
        .max(86_400)
        .default(300)
        .describe('Longest random wait before a direct download while the integration is off, seconds.')
        .meta(live),
      retainedMaxBytes: z
        .number()
        .int()
        .min(0)
        .default(1024 ** 3)
        .describe('Most bytes that direct downloads of the kind `resource` keep for the next use; 0: keep nothing.')
        .meta(live),
      scriptMemoryCacheSeconds: z
        .number()
        .min(0)
        .max(86_400)
        .default(60)
        .describe('How long a program keeps a directly downloaded `script` in its own memory, seconds; 0: not at all.')
        .meta(live),
      scriptMemoryCacheBytes: z
        .number()
        .int()
        .min(0)
        .max(1024 ** 3)
        .default(16 * 1024 ** 2)
        .describe('Most bytes of such scripts in the memory of one program.')
        .meta(live)
    })
    .prefault({}),
  fleet: z
    .object({
      siteKey: SiteKey.nullable()
        .default(null)
        .describe('Shared secret of the fleet; without it this PC has no peers.')
        .meta(secret),
      siteKeyFile: z
        .string()
        .min(1)
        .max(1000)
        .nullable()
        .default(null)
        .describe(
          'File with the shared secret, which the agent’s user alone can read beside root; so that a policy everybody can read need not hold it. fleet.siteKey rules over it.'
        )
    })
    .prefault({}),
  ports: z
    .object({
      api: port.default(DEFAULT_PORTS.api).describe('TCP port of the local API on loopback; 0 takes any free one.'),
      peer: port.default(DEFAULT_PORTS.peer).describe('TCP port for peers; 0 takes any free one.'),
      beacon: port.default(DEFAULT_PORTS.beacon).describe('UDP port of the beacon.'),
      gateway: port
        .default(DEFAULT_PORTS.gateway)
        .describe('TCP port of the HTTP gateway on loopback; 0 takes any free one.')
        .meta(live)
    })
    .prefault({}),
  discovery: z
    .object({
      beacon: z.boolean().default(true).describe('Find peers by multicast and broadcast.'),
      multicastGroup: z.ipv4().default('239.255.47.26').describe('Private multicast group of the beacon.'),
      multicastGroup6: z.ipv6().default('ff12::4c52:4442').describe('Private multicast group of the beacon for IPv6.'),
      seeds: z
        .array(z.string().max(255))
        .max(256)
        .default([])
        .describe('host:port of peers to greet where multicast is blocked.'),
      listenAddress: z
        .string()
        .max(64)
        .default('::')
        .describe('Address the peer port listens on; :: is every IPv6 and IPv4 address.'),
      includeLoopback: z
        .boolean()
        .default(false)
        .describe('Use the loopback interface for discovery (several agents on one PC).'),
      inhibitedSubnets: z
        .array(z.union([z.cidrv4(), z.cidrv6()]))
        .max(256)
        .default([])
        .describe('Subnets (10.20.0.0/16) in which this PC neither looks for peers nor lets them in.'),
      allowVpn: z
        .boolean()
        .default(false)
        .describe('Use peers over VPN connections, and let this PC be master while its way to origins is a VPN.'),
      allowMetered: z.boolean().default(false).describe('The same for metered connections, mobile networks included.')
    })
    .prefault({}),
  election: z
    .object({
      weight: z
        .number()
        .int()
        .min(0)
        .max(99)
        .nullable()
        .default(null)
        .describe(
          'Weight of this PC; null: by machine (server 61, desktop 50, laptop 40, Wi-Fi 30, battery 20); 0: never master.'
        )
        .meta(live),
      minBatteryPercent: z
        .number()
        .int()
        .min(0)
        .max(100)
        .default(20)
        .describe(
          'A PC that runs on battery and has less charge than this is never master, %; 0: battery never rules out.'
        )
        .meta(live),
      windowMs: ms(10, 10_000)
        .default(200)
        .describe('How long a coordinator waits for further claims before it elects, ms.'),
      settleMs: ms(0, 30_000).default(1500).describe('After start, how long claims wait for peers to be found, ms.'),
      leaseMs: ms(500, 60_000).default(5000).describe('A master that is silent for so long loses its lease, ms.')
    })
    .prefault({}),
  transfers: z
    .object({
      originConcurrency: z
        .number()
        .int()
        .min(1)
        .max(32)
        .default(6)
        .describe('Downloads from origins at the same time.')
        .meta(live),
      uploadSlots: z.number().int().min(1).max(64).default(8).describe('Pieces runs served to peers at the same time.'),
      firstByteMs: ms(500, 600_000)
        .default(15_000)
        .describe('No byte from anywhere for so long after the election: fall back, ms.')
        .meta(live),
      stallMs: ms(500, 600_000).default(15_000).describe('No progress for so long: fall back, ms.').meta(live),
      timeoutMs: ms(1000, 7 * 24 * 3600_000)
        .default(24 * 3600_000)
        .describe('Limit of a request that names none, ms.')
        .meta(live),
      holdMs: ms(0, 24 * 3600_000)
        .default(600_000)
        .describe(
          'How long a finished transfer stays registered so that latecomers find it, ms; the newest 500 of them.'
        )
        .meta(live)
    })
    .prefault({}),
  origin: z
    .object({
      proxy: z
        .string()
        .max(2048)
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
          'Hosts that publish digests in a file beside: <url>.sha256 or SHA256SUMS, asked for over https for each new version.'
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
          'Query parameters that say nothing about what a URL names, each as host?parameter or *.domain?parameter: URLs that differ in them alone are one content.'
        ),
      connectTimeoutMs: ms(100, 120_000).default(10_000).describe('Limit for connecting to an origin, ms.'),
      responseTimeoutMs: ms(100, 600_000).default(30_000).describe('Limit for the first byte of an answer, ms.')
    })
    .prefault({}),
  sharing: z
    .object({
      withoutDigest: z
        .enum(['check', 'strict', 'trust', 'never'])
        .default('check')
        .describe(
          'Contents whose digest nobody publishes. check: parts of what peers gave are compared with the origin, by chance where that costs more than 5 % of a content for the site. strict: every PC compares parts of every content, and what cannot be compared it downloads itself. trust: the signatures of members are enough. never: they are not shared.'
        )
        .meta(live),
      recalls: z
        .array(
          z
            .string()
            .max(400)
            .regex(
              /^sha256:[0-9a-f]{64}( [^\p{Cc}]*)?$/u,
              'expected sha256:<64 hex digits>, and a reason after a blank'
            )
        )
        .max(1000)
        .default([])
        .describe(
          'Contents nobody is to have: they are dropped, neither delivered nor served. In a fleet with a CA: `larder recall`.'
        )
        .meta(live),
      sampleShare: z
        .number()
        .min(0)
        .max(1)
        .default(0.02)
        .describe(
          'What one PC may ask of the origin to check such a content, as a part of it; all PCs together ask for 0.05 at most, on the average.'
        )
        .meta(live),
      sampleBytes: z
        .number()
        .int()
        .min(0)
        .max(4 * 1024 * 1024)
        .default(256 * 1024)
        .describe('The same in bytes; the larger of the two counts.')
        .meta({ ...live, unit: 'bytes' }),
      signedUrls: HostPatterns.describe(
        'Hosts (or *.domain, or *) whose contents are shared with peers although their URLs carry a signature or token.'
      ),
      clientCertificates: HostPatterns.describe(
        'Hosts (or *.domain, or *) whose contents are shared with peers although a client certificate was shown to get them.'
      ),
      cookies: HostPatterns.describe(
        'Hosts (or *.domain, or *) whose contents are shared with peers although the origin sets a cookie with them.'
      )
    })
    .prefault({}),
  backgroundChannel: z
    .object({
      url: z
        .string()
        .max(2048)
        .refine(
          (text) => channelFolder(text) !== null,
          'expected https://host/folder/, or host/folder for HTTPS on port 443'
        )
        .nullable()
        .default(null)
        .describe(
          'Default origin: relative URLs are resolved against it. Without a scheme it is HTTPS, by default on port 443.'
        )
        .meta(live)
    })
    .prefault({}),
  cache: z
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
        .describe('Contents nobody used for so many days go; null: they stay until room is needed.')
        .meta(live),
      minFreeBytes: z
        .number()
        .int()
        .min(0)
        .default(2 * 1024 ** 3)
        .describe('Free disk space the cache leaves to others.')
        .meta(live)
    })
    .prefault({}),
  ui: z
    .object({
      browser: z
        .boolean()
        .default(false)
        .describe(
          'Serve the window to browsers of this PC; `larder ui` opens it. For agents without the tray application.'
        )
    })
    .prefault({}),
  gateway: z
    .object({
      enabled: z
        .boolean()
        .default(false)
        .describe('Serve any download tool on this PC over HTTP on loopback.')
        .meta(live),
      hosts: z
        .array(GatewayHost)
        .max(1000)
        .default([])
        .describe(
          'Hosts that every program on this PC may ask the gateway for: `host`, `host:port`, `*.domain`, or `*`. With the gateway token any host may be asked for.'
        )
        .meta(live)
    })
    .prefault({}),
  metrics: z
    .object({
      requireToken: z
        .boolean()
        .default(true)
        .describe('Ask for the token of the local API at /metrics. Off: any program on this PC may read the figures.')
    })
    .prefault({}),
  rates: z
    .object({
      wanForeground: wanRate
        .default(null)
        .describe('Cap for downloads from origins that somebody waits for, bytes per second; null: none.')
        .meta(liveRate),
      wanBackground: wanRate
        .default(null)
        .describe('Cap for background downloads from origins, bytes per second; null: none.')
        .meta(liveRate),
      lanForeground: lanRate
        .default(null)
        .describe('Cap for pieces from peers that somebody waits for, bytes per second; null: none.')
        .meta(liveRate),
      lanBackground: lanRate
        .default(null)
        .describe('Cap for pieces from peers in the background, bytes per second; null: none.')
        .meta(liveRate),
      upload: uploadRate
        .default(null)
        .describe('Cap for pieces served to peers, bytes per second; null: none.')
        .meta(liveRate),
      schedule: z
        .array(RateRule)
        .max(64)
        .default([])
        .describe(
          'Other caps by hour and weekday, local time: [{ "days": ["mon"], "from": 8, "to": 18, "wanBackground": 250000 }]; a later rule wins.'
        )
        .meta(live),
      adaptive: z
        .boolean()
        .default(false)
        .describe('Background downloads from origins yield to other traffic on the WAN link.')
        .meta(live),
      adaptiveTargetMs: ms(10, 1000)
        .default(60)
        .describe('Queueing delay that adaptive downloads may cause, ms.')
        .meta(live),
      adaptiveFloor: z
        .number()
        .int()
        .min(8192)
        .max(2 ** 30)
        .default(32 * 1024)
        .describe('Adaptive downloads never yield below about so much, bytes per second.')
        .meta(liveRate),
      adaptiveCeilingBytes: z
        .number()
        .int()
        .min(64 * 1024)
        .max(64 * 2 ** 20)
        .default(8 * 2 ** 20)
        .describe('Most bytes an adaptive download may have asked for and not yet received.')
        .meta(live),
      monthlyUploadBytes: z
        .number()
        .int()
        .min(0)
        .nullable()
        .default(null)
        .describe('Most bytes served to peers in a calendar month; null: no limit.')
        .meta(live)
    })
    .prefault({}),
  hub: HubSettings.prefault({}),
  precache: z
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
      from: z.number().int().min(0).max(23).default(20).describe('Hour it may begin, local time.').meta(live),
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
        .describe('Protects what it gets from eviction for so many days; null: not.')
        .meta(live),
      atOnce: z.number().int().min(1).max(16).default(2).describe('Contents it gets at the same time.').meta(live)
    })
    .prefault({}),
  machine: z
    .object({
      adminGroup: z
        .string()
        .max(100)
        .regex(/^[^\s:,/]*$/, 'expected the name of a group')
        .default('larder-admin')
        .describe(
          'Group whose members may do everything at the agent of all users of a PC, beside root: helpdesk and administrators. Empty: nobody.'
        )
        .meta(live)
    })
    .prefault({}),
  log: z
    .object({
      level: z
        .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace'])
        .default('info')
        .describe('Least level that is written.')
        .meta(live)
    })
    .prefault({})
})
export type Settings = z.infer<typeof Settings>
export type SettingsInput = z.input<typeof Settings>
