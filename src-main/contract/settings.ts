import { z } from 'zod'
import { DEFAULT_PORTS } from './version.ts'

const port = z.number().int().min(0).max(65535)
const ms = (min: number, max: number) => z.number().int().min(min).max(max)

/** 32 random bytes as `larder-site-<base64url>`; whoever has it is a member of the fleet. */
export const SiteKey = z.string().regex(/^larder-site-[A-Za-z0-9_-]{43}$/, 'expected a key made by `larder fleet key new`')

/** A host as the gateway's list names it. */
export const GatewayHost = z
  .string()
  .max(260)
  .regex(/^(\*|(\*\.)?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?(:\d{1,5})?|\[[0-9a-f:.]+\](:\d{1,5})?)$/i, 'expected host, host:port, *.domain or *')

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
      beacon: port.default(DEFAULT_PORTS.beacon).describe('UDP port of the beacon.'),
      gateway: port.default(DEFAULT_PORTS.gateway).describe('TCP port of the HTTP gateway on loopback; 0 takes any free one.')
    })
    .prefault({}),
  discovery: z
    .object({
      beacon: z.boolean().default(true).describe('Find peers by multicast and broadcast.'),
      multicastGroup: z.ipv4().default('239.255.47.26').describe('Private multicast group of the beacon.'),
      seeds: z.array(z.string().max(255)).max(256).default([]).describe('host:port of peers to greet where multicast is blocked.'),
      listenAddress: z.string().max(64).default('0.0.0.0').describe('Address the peer port listens on.'),
      includeLoopback: z.boolean().default(false).describe('Use the loopback interface for discovery (several agents on one PC).')
    })
    .prefault({}),
  election: z
    .object({
      weight: z.number().int().min(0).max(99).nullable().default(null).describe('Weight of this PC; null: by machine (server 61, desktop 50, laptop 40, Wi-Fi 30); 0: never master.'),
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
      minFreeBytes: z.number().int().min(0).default(2 * 1024 ** 3).describe('Free disk space the cache leaves to others.')
    })
    .prefault({}),
  ui: z
    .object({
      browser: z.boolean().default(false).describe('Serve the window to browsers of this PC; `larder ui` opens it. For agents without the tray application.')
    })
    .prefault({}),
  gateway: z
    .object({
      enabled: z.boolean().default(false).describe('Serve any download tool on this PC over HTTP on loopback.'),
      hosts: z.array(GatewayHost).max(1000).default([]).describe('Hosts that every program on this PC may ask the gateway for: `host`, `host:port`, `*.domain`, or `*`. With the gateway token any host may be asked for.')
    })
    .prefault({}),
  metrics: z
    .object({
      requireToken: z.boolean().default(true).describe('Ask for the token of the local API at /metrics. Off: any program on this PC may read the figures.')
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
