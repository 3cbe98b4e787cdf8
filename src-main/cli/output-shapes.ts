import { z } from 'zod'
import { ErrorView } from '../contract/errors.ts'
import { AgentEvent } from '../contract/events.ts'
import { PeerId, Sha256Hex } from '../contract/ids.ts'
import { operationOf, type AnsweringName } from '../contract/operations/operations.ts'
import { VerifiedBy } from '../contract/provenance.ts'
import { ReasonCode, RequestView, SourceSplit } from '../contract/request.ts'
import { SettingDetails, SettingsProblem } from '../contract/setting-details.ts'
import { AgentSnapshot, IntegrationState } from '../contract/snapshot.ts'
import { Outcome } from '../updates/update-machine.ts'

/** With `--json` each line of a command is one of these, or {@link ErrorLine}. Not loaded by commands: for the reference and for tests. */
const answer = (name: AnsweringName): z.ZodType => operationOf(name).answer!
const text = z.string()
const count = z.number().int().nonnegative()
const flag = z.boolean()
/** Wall clock, ms since 1970. */
const time = z.number()

const requests = z.object({ requests: z.array(RequestView) })
const paused = z.object({ paused: AgentSnapshot.shape.paused })
const retained = z.object({ contents: count, bytes: count, dir: text })
const member = z.object({ peer: PeerId, name: text, issuedAt: time, expiresAt: time, deniedAt: time.nullable() })
const joined = z.object({ peer: PeerId, expiresAt: time, renewed: flag })
const requested = z.object({ request: text, peer: PeerId })
const denyList = z.object({ denyListNumber: count, denied: count })
const recallList = z.object({ recallListNumber: count, contents: count })
const steps = z.object({ steps: z.array(z.record(text, z.unknown())) })
const switched = z.object({ integration: IntegrationState, running: flag })
const log = z.object({ log: answer('log.get') })

export const ErrorLine = z.object({ error: ErrorView })

export const outputShapes: Readonly<Record<string, z.ZodType>> = {
  agent: z.object({
    ready: z.literal(true),
    pid: count,
    apiPort: count,
    peerPort: count.nullable(),
    gatewayPort: count.optional(),
    id: PeerId,
    dataDir: text,
    ui: z.literal(true).optional()
  }),
  'hub status': AgentSnapshot.shape.hub,
  'hub sites': z.object({ sites: AgentSnapshot.shape.hub.shape.serving.unwrap().shape.sites }),
  'hub contents': answer('hub.contents'),
  'hub members': answer('hub.members'),
  get: z.object({
    path: text.nullable(),
    source: z.enum(['agent', 'direct', 'retained', 'memory']),
    reason: ReasonCode.nullable(),
    lengthBytes: count,
    sha256: Sha256Hex,
    split: SourceSplit,
    stale: flag,
    verifiedBy: VerifiedBy.nullable(),
    role: RequestView.shape.role,
    master: text.nullable(),
    waitedMs: z.number(),
    elapsedMs: z.number()
  }),
  ui: z.union([
    z.object({ opened: z.literal(true) }),
    z.object({ opened: z.literal(false), url: text, validMs: count })
  ]),
  // With `--watch` a line for each change of one download.
  downloads: z.union([requests, RequestView, answer('request.clear')]),
  cancel: requests,
  pause: z.union([requests, paused]),
  resume: z.union([requests, paused]),
  status: answer('agent.status'),
  peers: answer('peer.list'),
  masters: answer('master.list'),
  // A line each.
  events: AgentEvent,
  why: answer('why.explain'),
  integrate: z.union([
    z.object({
      tools: z.array(z.object({ name: text, installed: flag, integrated: flag })),
      unfit: z.record(text, text)
    }),
    z.object({
      tool: text,
      undone: flag,
      dryRun: flag,
      changes: z.array(z.object({ path: text, change: z.enum(['create', 'change', 'remove', 'none']) })),
      missing: z.array(text)
    })
  ]),
  doctor: answer('agent.doctor'),
  'support-bundle': z.object({ path: text, bytes: count, files: z.array(text) }),
  'log level': log,
  'cache ls': answer('cache.list'),
  'cache rm': z.object({ removed: z.array(z.object({ sha256: Sha256Hex, bytes: count })), dryRun: flag }),
  'cache clear': answer('cache.clear'),
  'cache verify': answer('cache.verify'),
  'cache pin': answer('cache.pin'),
  'cache unpin': answer('cache.pin'),
  'cache show': answer('cache.content'),
  'cache priority': answer('cache.priority'),
  'cache limits': answer('cache.limits'),
  'cache relocate': z.object({ dir: text, next: text.nullable(), moving: AgentSnapshot.shape.cache.shape.moving }),
  'precache run': answer('precache.run'),
  'precache stop': answer('precache.stop'),
  'precache status': answer('precache.get'),
  'precache list': answer('precache.items'),
  rates: answer('rates.get'),
  'rates set': answer('rates.set'),
  'integration on': switched,
  'integration off': switched,
  'integration status': z.object({
    integration: IntegrationState,
    agent: z.object({
      state: z.enum(['supported', 'unsupported', 'absent', 'integration-off', 'busy']),
      version: text.nullable()
    }),
    staggerRangeSeconds: z.number(),
    retained
  }),
  'integration forget': retained,
  'config list': z.object({ running: flag, settings: z.array(SettingDetails), problems: z.array(SettingsProblem) }),
  'config get': SettingDetails,
  'config set': SettingDetails,
  'config unset': SettingDetails,
  'config explain': SettingDetails,
  'config check': z.object({ problems: z.array(SettingsProblem) }),
  'fleet key new': z.object({ siteKey: text }),
  'fleet show': z.object({
    peer: PeerId,
    via: z.enum(['ca', 'site-key', 'none']),
    expiresAt: time.optional(),
    ca: text.optional(),
    denyListNumber: count.optional(),
    denied: z.array(PeerId).optional(),
    holdsCa: z
      .object({ caDir: text, sealed: flag, denyListNumber: count, members: z.array(member).optional() })
      .optional()
  }),
  'fleet init': z.object({ caDir: text, sealed: flag, fingerprint: text }),
  'fleet enroll': z.union([requested, joined]),
  'fleet renew': z.union([requested, joined]),
  'fleet sign': member.extend({ enrolment: text }),
  'fleet install': z.union([joined, denyList, recallList]),
  'fleet revoke': denyList.extend({ members: z.array(member), handed: flag, file: text.optional() }),
  'fleet leave': z.object({ left: z.literal(true) }),
  recall: recallList.extend({ sha256: Sha256Hex, recalled: flag, handed: flag, file: text.optional() }),
  'service install': z.union([steps, z.object({ installed: z.literal(true), file: text })]),
  'service uninstall': z.union([steps, z.object({ installed: z.literal(false), purged: flag })]),
  'service status': z.object({
    installed: z.enum(['package', 'file', 'no']),
    runs: flag.nullable(),
    pid: count.nullable(),
    state: text,
    place: text
  }),
  'update status': z.object({
    version: text,
    form: text.nullable(),
    enabled: flag,
    manifestUrl: text.nullable(),
    channel: text,
    unknown: z.literal(true).optional(),
    releaseKeys: count,
    last: Outcome.nullable()
  }),
  'update check': z.object({ looking: z.literal(true) }),
  'update apply': Outcome,
  version: z.object({ version: text, apiVersion: count, outputVersion: count, node: text })
}
