import { z } from 'zod'
import { DEFAULT_PORTS } from './version.ts'

const port = z.number().int().min(0).max(65535)
const ms = (min: number, max: number) => z.number().int().min(min).max(max)

/** 32 random bytes as `larder-site-<base64url>`; whoever has it is a member of the fleet. */
export const SiteKey = z.string().regex(/^larder-site-[A-Za-z0-9_-]{43}$/, 'expected a key made by `larder fleet key new`')

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export const Weekday = z.enum(weekdays)
export type Weekday = z.infer<typeof Weekday>

/** The kinds of traffic that have a cap of their own. WAN: from origins. LAN: pieces from peers. Upload: pieces to peers. */
export const rateKinds = ['wanForeground', 'wanBackground', 'lanForeground', 'lanBackground', 'upload'] as const
export type RateKind = (typeof rateKinds)[number]

/** Bytes per second; null: no limit. */
const rate = (least: number) => z.number().int().min(least).max(2 ** 40).nullable()
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
  days: z.array(Weekday).min(1).max(7).default([...weekdays]),
  /** Hour it begins, and hour it ends at; over midnight when `to` is not after `from`. */
  from: z.number().int().min(0).max(23),
  to: z.number().int().min(1).max(24)
})
export type RateRule = z.infer<typeof RateRule>

/**
 * Every setting of an agent, with its default. The same schema reads the settings file, the policy file and the
 * command line. Names are `section.name` for people.
 */
export const Settings = z.object({
  integration: z
    .object({
      enabled: z.boolean().default(true).describe('Serve programs on this PC. Off: clients download directly.'),
      defaultStaggerRangeSeconds: z.number().min(0).max(86_400).default(300).describe('Longest random wait before a direct download while the integration is off, seconds.')
    })
    .prefault({}),
  fleet: z
    .object({
      siteKey: SiteKey.nullable().default(null).describe('Shared secret of the fleet; without it this PC has no peers.')
    })
    .prefault({}),
  ports: z
    .object({
      api: port.default(DEFAULT_PORTS.api).describe('TCP port of the local API on loopback; 0 takes any free one.'),
      peer: port.default(DEFAULT_PORTS.peer).describe('TCP port for peers; 0 takes any free one.'),
      beacon: port.default(DEFAULT_PORTS.beacon).describe('UDP port of the beacon.')
    })
    .prefault({}),
  discovery: z
    .object({
      beacon: z.boolean().default(true).describe('Find peers by multicast and broadcast.'),
      multicastGroup: z.ipv4().default('239.255.47.26').describe('Private multicast group of the beacon.'),
      multicastGroup6: z.ipv6().default('ff12::4c52:4442').describe('Private multicast group of the beacon for IPv6.'),
      seeds: z.array(z.string().max(255)).max(256).default([]).describe('host:port of peers to greet where multicast is blocked.'),
      listenAddress: z.string().max(64).default('::').describe('Address the peer port listens on; :: is every IPv6 and IPv4 address.'),
      includeLoopback: z.boolean().default(false).describe('Use the loopback interface for discovery (several agents on one PC).'),
      inhibitedSubnets: z.array(z.union([z.cidrv4(), z.cidrv6()])).max(256).default([]).describe('Subnets (10.20.0.0/16) in which this PC neither looks for peers nor lets them in.'),
      allowVpn: z.boolean().default(false).describe('Use peers over VPN connections, and let this PC be master while its way to origins is a VPN.'),
      allowMetered: z.boolean().default(false).describe('The same for metered connections, mobile networks included.')
    })
    .prefault({}),
  election: z
    .object({
      weight: z.number().int().min(0).max(99).nullable().default(null).describe('Weight of this PC; null: by machine (server 61, desktop 50, laptop 40, Wi-Fi 30, battery 20); 0: never master.'),
      minBatteryPercent: z.number().int().min(0).max(100).default(20).describe('A PC that runs on battery and has less charge than this is never master, %; 0: battery never rules out.'),
      windowMs: ms(10, 10_000).default(200).describe('How long a coordinator waits for further claims before it elects, ms.'),
      settleMs: ms(0, 30_000).default(1500).describe('After start, how long claims wait for peers to be found, ms.'),
      leaseMs: ms(500, 60_000).default(5000).describe('A master that is silent for so long loses its lease, ms.')
    })
    .prefault({}),
  transfers: z
    .object({
      originConcurrency: z.number().int().min(1).max(32).default(6).describe('Downloads from origins at the same time.'),
      uploadSlots: z.number().int().min(1).max(64).default(8).describe('Pieces runs served to peers at the same time.'),
      firstByteMs: ms(500, 600_000).default(15_000).describe('No byte from anywhere for so long after the election: fall back, ms.'),
      stallMs: ms(500, 600_000).default(15_000).describe('No progress for so long: fall back, ms.'),
      timeoutMs: ms(1000, 7 * 24 * 3600_000).default(24 * 3600_000).describe('Limit of a request that names none, ms.'),
      holdMs: ms(0, 24 * 3600_000).default(600_000).describe('How long a finished transfer stays registered so that latecomers find it, ms.')
    })
    .prefault({}),
  origin: z
    .object({
      proxy: z.string().max(2048).nullable().default(null).describe('Proxy URL; null: from the environment (HTTPS_PROXY, HTTP_PROXY, NO_PROXY).'),
      extraCaFile: z.string().max(4096).nullable().default(null).describe('PEM file of company root CAs, in addition to the system’s.'),
      connectTimeoutMs: ms(100, 120_000).default(10_000).describe('Limit for connecting to an origin, ms.'),
      responseTimeoutMs: ms(100, 600_000).default(30_000).describe('Limit for the first byte of an answer, ms.')
    })
    .prefault({}),
  backgroundChannel: z
    .object({
      url: z.url({ protocol: /^https?$/ }).nullable().default(null).describe('Default origin: relative URLs are resolved against it.')
    })
    .prefault({}),
  cache: z
    .object({
      dir: z.string().max(4096).nullable().default(null).describe('Cache folder; null: `cache` in the data folder.'),
      maxBytes: z.number().int().min(1 << 20).nullable().default(null).describe('Size limit; null: a tenth of the disk, at most 50 GiB.'),
      maxDiskPercent: z.number().min(0.1).max(95).nullable().default(null).describe('Size limit as a share of the disk, percent; with maxBytes the smaller one holds.'),
      maxAgeDays: z.number().min(1).max(3650).nullable().default(null).describe('Contents nobody used for so many days go; null: they stay until room is needed.'),
      minFreeBytes: z.number().int().min(0).default(2 * 1024 ** 3).describe('Free disk space the cache leaves to others.')
    })
    .prefault({}),
  ui: z
    .object({
      browser: z.boolean().default(false).describe('Serve the window to browsers of this PC; `larder ui` opens it. For agents without the tray application.')
    })
    .prefault({}),
  rates: z
    .object({
      wanForeground: wanRate.default(null).describe('Cap for downloads from origins that somebody waits for, bytes per second; null: none.'),
      wanBackground: wanRate.default(null).describe('Cap for background downloads from origins, bytes per second; null: none.'),
      lanForeground: lanRate.default(null).describe('Cap for pieces from peers that somebody waits for, bytes per second; null: none.'),
      lanBackground: lanRate.default(null).describe('Cap for pieces from peers in the background, bytes per second; null: none.'),
      upload: uploadRate.default(null).describe('Cap for pieces served to peers, bytes per second; null: none.'),
      schedule: z.array(RateRule).max(64).default([]).describe('Other caps by hour and weekday, local time: [{ "days": ["mon"], "from": 8, "to": 18, "wanBackground": 250000 }]; a later rule wins.'),
      adaptive: z.boolean().default(false).describe('Background downloads from origins yield to other traffic on the WAN link.'),
      adaptiveTargetMs: ms(10, 1000).default(60).describe('Queueing delay that adaptive downloads may cause, ms.'),
      adaptiveFloor: z.number().int().min(8192).max(2 ** 30).default(32 * 1024).describe('Adaptive downloads never yield below about so much, bytes per second.'),
      adaptiveCeilingBytes: z.number().int().min(64 * 1024).max(64 * 2 ** 20).default(8 * 2 ** 20).describe('Most bytes an adaptive download may have asked for and not yet received.'),
      monthlyUploadBytes: z.number().int().min(0).nullable().default(null).describe('Most bytes served to peers in a calendar month; null: no limit.')
    })
    .prefault({}),
  precache: z
    .object({
      list: z.string().min(1).max(4096).nullable().default(null).describe('File or URL of a list of contents to have in the cache before anybody asks; null: none.'),
      days: z.array(Weekday).min(1).max(7).default([...weekdays]).describe('Days on which the time for it begins.'),
      from: z.number().int().min(0).max(23).default(20).describe('Hour it may begin, local time.'),
      to: z.number().int().min(1).max(24).default(6).describe('Hour it ends; over midnight when it is not after `from`.'),
      jitterMinutes: z.number().min(0).max(1440).default(60).describe('Longest random wait before it begins, minutes.'),
      onlyOnMains: z.boolean().default(true).describe('Not while this PC runs on battery.'),
      pinDays: z.number().min(0).max(3650).nullable().default(null).describe('Protects what it gets from eviction for so many days; null: not.'),
      atOnce: z.number().int().min(1).max(16).default(2).describe('Contents it gets at the same time.')
    })
    .prefault({}),
  log: z
    .object({
      level: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace']).default('info').describe('Least level that is written.')
    })
    .prefault({})
})
export type Settings = z.infer<typeof Settings>
export type SettingsInput = z.input<typeof Settings>
