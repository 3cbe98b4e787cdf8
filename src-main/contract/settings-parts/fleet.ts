// How this PC finds its peers, and what it shares with them.
import { z } from 'zod'
import { DEFAULT_PORTS } from '../version.ts'
import { ms, live, secret, port } from './marks.ts'

/** 32 random bytes as `larder-site-<base64url>`; whoever has it is a member of the fleet. */
export const SiteKey = z
  .string()
  .regex(/^larder-site-[A-Za-z0-9_-]{43}$/, 'expected a key made by `larder fleet key new`')

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

export const fleet = z
  .object({
    siteKey: SiteKey.nullable()
      .default(null)
      .describe('Shared secret of the fleet; without it this PC has no peers.')
      .meta(secret),
    otherSiteKey: SiteKey.nullable()
      .default(null)
      .describe('While the site key is being replaced: a second key whose holders are members too.')
      .meta(secret),
    siteKeyFile: z
      .string()
      .min(1)
      .max(1000)
      .nullable()
      .default(null)
      .describe(
        'File with the shared secret, which the agent’s user alone can read beside root; so that a policy everybody can read need not hold it. A second line may hold another key, which counts as fleet.otherSiteKey. fleet.siteKey overrides it.'
      )
  })
  .prefault({})

export const ports = z
  .object({
    api: port.default(DEFAULT_PORTS.api).describe('TCP port of the local API on loopback; 0 takes any free one.'),
    peer: port.default(DEFAULT_PORTS.peer).describe('TCP port for peers; 0 takes any free one.'),
    beacon: port.default(DEFAULT_PORTS.beacon).describe('UDP port of the beacon.'),
    gateway: port
      .default(DEFAULT_PORTS.gateway)
      .describe('TCP port of the HTTP gateway on loopback; 0 takes any free one.')
      .meta(live)
  })
  .prefault({})

export const discovery = z
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
      .array(z.union([z.cidrv4(), z.cidrv6()], 'expected a subnet such as 10.20.0.0/16'))
      .max(256)
      .default([])
      .describe('Subnets (10.20.0.0/16) in which this PC neither looks for peers nor lets them in.'),
    allowVpn: z
      .boolean()
      .default(false)
      .describe('Use peers over VPN connections, and let this PC be master while it reaches origins through a VPN.'),
    allowMetered: z.boolean().default(false).describe('The same for metered connections, mobile networks included.')
  })
  .prefault({})

export const election = z
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
    leaseMs: ms(500, 60_000).default(5000).describe('A master that is silent for this time loses its lease, ms.')
  })
  .prefault({})

export const sharing = z
  .object({
    withoutDigest: z
      .enum(['check', 'strict', 'trust', 'never'])
      .default('check')
      .describe(
        'Contents whose digest nobody publishes. check: parts of what peers gave are compared with the origin, only by chance where that would cost the site more than 5 % of a content. strict: every PC compares parts of every content, and what cannot be compared it downloads itself. trust: the signatures of members are enough. never: such contents are not shared.'
      )
      .meta(live),
    recalls: z
      .array(
        z
          .string()
          .max(400)
          .regex(
            /^sha256:[0-9a-f]{64}( [^\p{Cc}]*)?$/u,
            'expected sha256:<64 hex digits>, optionally followed by a space and a reason'
          )
      )
      .max(1000)
      .default([])
      .describe(
        'Contents to block: they are deleted, and neither delivered nor served. In a fleet with a CA: `larder recall`.'
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
      'Hosts (or *.domain, or *) whose contents are shared with peers even though their URLs carry a signature or token.'
    ),
    clientCertificates: HostPatterns.describe(
      'Hosts (or *.domain, or *) whose contents are shared with peers even though they require a client certificate.'
    ),
    cookies: HostPatterns.describe(
      'Hosts (or *.domain, or *) whose contents are shared with peers even though the origin sets a cookie with them.'
    )
  })
  .prefault({})
