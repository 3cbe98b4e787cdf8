// How this PC serves its programs and its users.
import { z } from 'zod'
import { LogLevel } from './log-level.ts'
import { channelFolder } from '../background-channel.ts'
import { live } from './marks.ts'

/** A host as the gateway's list names it. */
export const GatewayHost = z
  .string()
  .max(260)
  .regex(
    /^(\*|(\*\.)?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?(:\d{1,5})?|\[[0-9a-f:.]+\](:\d{1,5})?)$/i,
    'expected host, host:port, *.domain or *'
  )

export const integration = z
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
  .prefault({})

export const backgroundChannel = z
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
  .prefault({})

export const gateway = z
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
  .prefault({})

export const ui = z
  .object({
    browser: z
      .boolean()
      .default(false)
      .describe(
        'Serve the window to browsers of this PC; `larder ui` opens it. For agents without the tray application.'
      )
  })
  .prefault({})

export const metrics = z
  .object({
    requireToken: z
      .boolean()
      .default(true)
      .describe('Ask for the token of the local API at /metrics. Off: any program on this PC may read the metrics.')
  })
  .prefault({})

export const machine = z
  .object({
    adminGroup: z
      .string()
      .max(100)
      .regex(/^[^\s:,/]*$/, 'expected the name of a group')
      .default('larder-admin')
      .describe(
        'Group whose members, like root, may do everything on a PC that several users share: helpdesk and administrators. Empty: nobody.'
      )
      .meta(live)
  })
  .prefault({})

export const updates = z
  .object({
    enabled: z
      .boolean()
      .default(false)
      .describe(
        'The agent of all users updates Larder by itself, through its peers. Off where another system does so: apt, Intune, Jamf.'
      )
      .meta(live),
    manifestUrl: z
      .string()
      .max(2048)
      .regex(/^https?:\/\/[^\s]+$/, 'expected https://host/path')
      .nullable()
      .default(null)
      .describe('Where the signed manifest of the newest release is; the packages are named relative to it.')
      .meta(live),
    channel: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,30}$/, 'expected a name such as stable')
      .default('stable')
      .describe('Channel whose manifests this PC follows.')
      .meta(live),
    everyHours: z
      .number()
      .min(1)
      .max(720)
      .default(6)
      .describe('How often to look for a new release, hours.')
      .meta(live),
    delayHours: z
      .number()
      .min(0)
      .max(2160)
      .default(0)
      .describe('This PC’s ring: how long after it first sees a release it installs it, hours.')
      .meta(live),
    spreadHours: z
      .number()
      .min(0)
      .max(720)
      .default(4)
      .describe('Longest random delay on top, so that the PCs of a ring do not restart together, hours.')
      .meta(live)
  })
  .prefault({})

export const log = z
  .object({
    level: LogLevel.default('info').describe('Least level that is written.').meta(live)
  })
  .prefault({})
