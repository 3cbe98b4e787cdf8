import { z } from 'zod'
import { SiteName } from './hub-messages.ts'

const live = { live: true }
const cidr = z.union([z.cidrv4(), z.cidrv6()], 'expected a subnet such as 10.20.0.0/16')
const ms = (min: number, max: number) => z.number().int().min(min).max(max)

/** Of five digits, 65535 at most. */
const LONG_PORT = '[1-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d{2}|655[0-2]\\d|6553[0-5]'
const HOST = `(\\[[0-9a-f:.]{2,45}\\]|[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?)(:([1-9]\\d{0,3}|${LONG_PORT}))?`

/** Where hubs are: on the peer port of an agent, behind a reverse proxy, or as an SRV record says. */
export const HubUrl = z
  .string()
  .max(300)
  .regex(
    new RegExp(
      `^(larder://${HOST}/?|https?://${HOST}(/[\\w.~%-]{1,64}){0,8}/?|srv:[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?)$`,
      'i'
    ),
    'expected larder://host:port, https://host/path/ or srv:_larder-hub._tcp.example.org'
  )

/** Where something listens: host and port. */
export const ListenAt = z
  .string()
  .regex(new RegExp(`^(\\[[0-9a-f:.]{2,45}\\]|[a-z0-9_.-]{1,253}):(\\d{1,4}|${LONG_PORT})$`, 'i'), 'expected host:port')

/** Private addresses: RFC 1918 and RFC 4193. */
export const PRIVATE_ADDRESSES = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'] as const

/** One site in the table of a hub. */
export const SiteEntry = z.strictObject({ name: SiteName, subnets: z.array(cidr).min(1).max(1000) })
export type SiteEntry = z.infer<typeof SiteEntry>

/** Settings of the section `hub`: one download for a site of several subnets. */
export const HubSettings = z.object({
  urls: z
    .array(HubUrl)
    .max(8)
    .default([])
    .describe(
      'Hubs of this site: PCs of several subnets download a content once between them. `larder://host:4726`; `https://host/path/` for one behind a reverse proxy; `srv:_larder-hub._tcp.example.org` for those of an SRV record.'
    )
    .meta(live),
  discover: z
    .enum(['off', 'dns'])
    .default('off')
    .describe('`dns`: hubs are also looked for in the SRV record `_larder-hub._tcp` of the DNS suffix of this PC.')
    .meta(live),
  site: SiteName.nullable()
    .default(null)
    .describe('Name of the site this PC is in, where its address does not tell the hub.'),
  serve: z.boolean().default(false).describe('This agent is a hub for others, too.'),
  listen: ListenAt.nullable()
    .default(null)
    .describe(
      'At a hub: address at which a reverse proxy forwards its PCs, `127.0.0.1:4728`. Plain HTTP with WebSockets; TLS with both certificates is inside.'
    ),
  trustedProxies: z
    .array(cidr)
    .max(64)
    .default(['127.0.0.0/8', '::1/128'])
    .describe('At a hub: proxies whose last entry in X-Forwarded-For counts as the address of the PC, for limits.'),
  store: z
    .string()
    .max(500)
    .regex(/^(memory|rediss?:\/\/[!-~]+)$/, 'expected memory, redis://host:6379 or rediss://…')
    .default('memory')
    .describe(
      'At a hub: where it keeps the table of who has what. `memory`, or the Redis or Valkey that several hubs behind one address share, `rediss://user:password@host:6379/0`.'
    )
    .meta({ secret: true }),
  monitorListen: ListenAt.nullable()
    .default(null)
    .describe('At a hub: address that serves its page (`/`) and its Prometheus metrics (`/metrics`), `0.0.0.0:4729`.'),
  monitorToken: z
    .string()
    .min(16)
    .max(256)
    .nullable()
    .default(null)
    .describe('Secret that opens the page and the metrics: as bearer token, or as password with any user name.')
    .meta({ secret: true }),
  monitorCertFile: z
    .string()
    .max(4096)
    .nullable()
    .default(null)
    .describe('Certificate chain of `hub.monitorListen`, PEM. Without one it listens on 127.0.0.1 or ::1 only.'),
  monitorKeyFile: z.string().max(4096).nullable().default(null).describe('Its key, PEM.'),
  sites: z
    .array(SiteEntry)
    .max(1000)
    .default([])
    .describe(
      'At a hub: which subnets make up which site, [{ "name": "Bremen", "subnets": ["10.1.0.0/16"] }]. None: all its PCs are one site. With a table, PCs outside its subnets share with nobody.'
    ),
  reach: z
    .array(cidr)
    .max(256)
    .default([...PRIVATE_ADDRESSES])
    .describe('Subnets in which PCs named by a hub may be connected to.')
    .meta(live),
  minBytes: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('Contents smaller than this are downloaded once per subnet, without asking the hub.')
    .meta({ ...live, unit: 'bytes' }),
  answerMs: ms(100, 60_000)
    .default(1000)
    .describe('How long a subnet waits for the hub’s decision before it downloads by itself, ms.')
    .meta(live),
  connectMs: ms(100, 60_000)
    .default(2000)
    .describe('How long a subnet tries to connect to the PCs that the hub named before it downloads by itself, ms.')
    .meta(live),
  firstByteMs: ms(500, 600_000)
    .default(5000)
    .describe('How long a subnet waits for the first byte from other subnets before it downloads by itself, ms.')
    .meta(live),
  stallMs: ms(500, 600_000)
    .default(10_000)
    .describe('How long a transfer from other subnets may stand still before the subnet downloads by itself, ms.')
    .meta(live),
  maxConnections: z
    .number()
    .int()
    .min(1)
    .max(100_000)
    .default(5000)
    .describe('At a hub: PCs connected at the same time.'),
  deposit: z
    .enum(['off', 'on-request', 'always'])
    .default('off')
    .describe(
      'At a hub: it keeps pieces that PCs bring, for PCs that reach no other. `on-request`: contents that a PC asks for but cannot get from any holder. `always`: everything that is downloaded for a site, so that the PC can be switched off afterwards. The bytes lie readable on the disk of the hub.'
    ),
  depositMaxBytes: z
    .number()
    .int()
    .min(1024 * 1024)
    .default(20 * 1024 ** 3)
    .describe(
      'At a hub with a deposit: its size limit in bytes. When it is full, the least recently used content of the PC that takes up most space is deleted.'
    )
    .meta({ unit: 'bytes' }),
  depositHours: z
    .number()
    .int()
    .min(1)
    .max(24 * 90)
    .default(24)
    .describe(
      'At a hub with a deposit: contents that no PC has brought or taken for this number of hours are deleted.'
    ),
  maxContents: z
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(50_000)
    .describe('At a hub: contents whose holders are remembered; those least recently asked for are forgotten first.')
})
export type HubSettings = z.infer<typeof HubSettings>
