import { z } from 'zod'
import { PeerId } from './ids.ts'

/**
 * What keeps an agent from its hub.
 *
 *     unreachable  nobody answers there
 *     certificate  the certificate of the proxy in front of it is not believed
 *     path         the proxy has nothing at this path
 *     kept-away    a proxy lets this PC not through
 *     proxy-alone  the proxy answers, the hub behind it does not
 *     websocket    the proxy does not pass WebSocket
 *     cut          the proxy ends connections after a while
 *     refused      it is not a member of this fleet, or takes this PC for none
 */
export const HubProblem = z.enum([
  'unreachable',
  'certificate',
  'path',
  'kept-away',
  'proxy-alone',
  'websocket',
  'cut',
  'refused'
])
export type HubProblem = z.infer<typeof HubProblem>

/** One hub of the settings. */
export const HubLinkView = z.object({
  url: z.string(),
  id: PeerId.nullable(),
  /** `self`: it is this PC. */
  state: z.enum(['connected', 'connecting', 'lost', 'refused', 'self']),
  /** A clause about it while it is not connected. */
  reason: z.string().nullable(),
  /** Null: none. `cut` also while it is connected. */
  problem: HubProblem.nullable().optional(),
  /** By how much its clock is ahead of that of this PC; null: it has not said. */
  skewMs: z.number().nullable().optional(),
  name: z.string().nullable(),
  /** The site it takes this PC to be in; null while connected: none. */
  site: z.string().nullable(),
  /** It says that no PC of another subnet can be reached from here. */
  apart: z.boolean().optional(),
  /** Wall clock, ms since 1970. */
  since: z.number()
})
export type HubLinkView = z.infer<typeof HubLinkView>

const bytes = z.number().int().nonnegative()

/** What PCs got in the last 28 days, by where it came from, and failed requests since they started. */
export const HubTotalsView = z.object({ originBytes: bytes, peerBytes: bytes, cacheBytes: bytes, failed: bytes })
export type HubTotalsView = z.infer<typeof HubTotalsView>

/** A PC that takes this one for its hub. */
export const HubMemberView = z.object({
  id: PeerId,
  name: z.string(),
  /** Where its connection comes from. */
  address: z.string(),
  /** Null: in none, so that it shares with its own subnet only. */
  site: z.string().nullable(),
  version: z.string().nullable(),
  since: z.number(),
  totals: HubTotalsView.nullable()
})
export type HubMemberView = z.infer<typeof HubMemberView>

/** A content that is claimed at a hub, which knows it by a name that says nothing. */
export const HubContentView = z.object({
  site: z.string(),
  key: z.string(),
  /** The PC that downloads it for the site; null: nobody, for some have it. */
  master: z.string().nullable(),
  claimants: z.number().int(),
  holders: z.number().int(),
  since: z.number()
})
export type HubContentView = z.infer<typeof HubContentView>

export const HubSiteView = z.object({
  name: z.string(),
  members: z.number().int(),
  /** Being claimed now. */
  contents: z.number().int(),
  /** Whose holders are remembered. */
  remembered: z.number().int(),
  /** Downloads of this run that a subnet went on with by itself although another one had or got the content. */
  wentAlone: z.number().int(),
  totals: HubTotalsView.optional()
})
export type HubSiteView = z.infer<typeof HubSiteView>

/** Pieces that a hub keeps for PCs that reach no other. */
export const HubDepositView = z.object({
  bytes,
  maxBytes: bytes,
  contents: z.number().int(),
  /** Of them all is there. */
  complete: z.number().int(),
  /** In this run. */
  broughtBytes: bytes,
  takenBytes: bytes,
  /** Deleted in this run for want of room, and what did not get in. */
  displaced: z.number().int(),
  refused: z.number().int(),
  /** A clause about why nothing can be kept; null: it can. */
  trouble: z.string().nullable()
})
export type HubDepositView = z.infer<typeof HubDepositView>

/** What an agent has to do with hubs. */
export const HubView = z.object({
  hubs: z.array(HubLinkView),
  /** As a hub of others; null: it is none. */
  serving: z
    .object({
      members: z.number().int(),
      sites: z.array(HubSiteView),
      /** What it shares with other hubs: nothing, a store that is connected, or one that is not. */
      store: z.enum(['none', 'connected', 'lost']).default('none'),
      /** Null: it has none. */
      deposit: HubDepositView.nullable().optional()
    })
    .nullable()
})
export type HubView = z.infer<typeof HubView>
