import { z } from 'zod'
import {
  ClaimClose,
  ClaimDecision,
  ClaimPut,
  ClaimReport,
  ClaimResign,
  Credential,
  MAX_PIECES,
  PieceMapText,
  shownWords,
  type ClaimMessage
} from './peer-messages.ts'
import { PeerId, type ContentKey } from './ids.ts'

/**
 * Messages between an agent and a hub, one JSON object per text frame on `/v1/hub`. A content is named by its site key there,
 * which only members can make from the content key; no URL, path or origin is ever among them.
 */
export const SiteContentKey = z
  .string()
  .regex(/^site:[0-9a-f]{64}$/, 'expected site:<hex>')
  .transform((text) => text as unknown as ContentKey)

const key = { key: SiteContentKey }

/** A contact card (`peers/far/contact-card.ts`), base64url. */
export const CardText = z.string().regex(/^[A-Za-z0-9_-]{1,430}$/)

/** A name for a site or hub, for people. */
export const SiteName = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u)

const HubPut = ClaimPut.omit({ about: true }).extend(key)

/** Agent to hub, first of all and when something in it has changed: where it can be reached, and what it is. */
export const HubCard = z.object({
  t: z.literal('hub.card'),
  /** Null: it cannot be reached by others. */
  card: CardText.nullable(),
  site: SiteName.nullable(),
  name: shownWords(64),
  version: shownWords(32).optional(),
  /** It knows the messages about deposits, and reaches this hub without a proxy. */
  deposit: z.boolean().optional()
})

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

/** Agent to hub that wants to know: what it got and where from, of the last 28 days, and failed requests of this run. No name, no content. */
export const HubTotals = z.object({
  t: z.literal('hub.totals'),
  originBytes: count,
  peerBytes: count,
  cacheBytes: count,
  failed: count
})
export type HubTotals = z.infer<typeof HubTotals>

/**
 * Agent to hub, once a second while it has a share of its site's budget: what it gets from origins. `to`: the hub of the cluster that
 * gave the share; absent: this one.
 */
export const HubWan = z.object({ t: z.literal('hub.wan'), bytesPerSecond: count, to: PeerId.optional() })

/**
 * Hub to agent, again at least every 20 s: what it may get from origins in all, null: no limit. Forgotten after a minute without. `by`: the
 * hub of the cluster that gives the share; absent: this one.
 */
export const HubBudget = z.object({
  t: z.literal('hub.budget'),
  bytesPerSecond: count.min(1).nullable(),
  by: PeerId.optional()
})
export type HubBudget = z.infer<typeof HubBudget>

/** Agent to hub: it has all of it and serves it for this many hours. */
export const HubHold = z.object({ t: z.literal('hub.hold'), ...key, hours: z.number().int().min(1).max(168) })

/** Agent to hub: it has these no more. */
export const HubDrop = z.object({ t: z.literal('hub.drop'), keys: z.array(SiteContentKey).min(1).max(256) })

/** Agent to hub: this holder was of no use to it. */
export const HubFailed = z.object({
  t: z.literal('hub.failed'),
  ...key,
  id: PeerId,
  problem: z.enum(['unreachable', 'refused', 'not-there', 'slow'])
})

/** Why a subnet downloads by itself although there is a hub. */
export const AloneWhy = z.enum(['hub-silent', 'site-unreachable', 'site-stalled', 'nobody'])
export type AloneWhy = z.infer<typeof AloneWhy>

/** Agent to hub: it goes on by itself; for people. */
export const HubAlone = z.object({ t: z.literal('hub.alone'), ...key, why: AloneWhy })

/**
 * What shows a hub which content is meant and that one knows it: SHA-256 of the content key, and an HMAC of that key by what only those
 * know who have asked the origin. The hub can make neither; it keeps apart what was brought with another one.
 */
export const DepositTag = z.string().regex(/^[0-9a-f]{128}$/)

const deposited = { ...key, tag: DepositTag, lengthBytes: count }
const signers = z.array(Credential).max(16)
const pieceIndex = z
  .number()
  .int()
  .min(0)
  .max(MAX_PIECES - 1)

/** Agent to hub that wants it brought: this is what it is, and these have signed it. Again when there are more signers. */
export const HubOffer = z.object({ t: z.literal('hub.offer'), ...deposited, signers })

/** Agent to hub while it brings something that it still downloads: this many bytes it has received. */
export const HubMoves = z.object({ t: z.literal('hub.moves'), ...key, bytes: count })

/** Agent to hub: no other PC can give it what is in the deposit, or can be had there. */
export const HubAsk = z.object({ t: z.literal('hub.ask'), ...deposited })

export const ToHub = z.discriminatedUnion('t', [
  HubCard,
  HubTotals,
  HubWan,
  HubHold,
  HubDrop,
  HubFailed,
  HubAlone,
  HubOffer,
  HubMoves,
  HubAsk,
  HubPut,
  ClaimClose.extend(key),
  ClaimReport.extend(key),
  ClaimResign.extend(key)
])
export type ToHub = z.infer<typeof ToHub>

/** Hub to agent, first of all. */
export const HubHello = z.object({
  t: z.literal('hub.hello'),
  name: shownWords(64),
  /** The site this agent is taken to be in; null: none, so that it shares with nobody by way of this hub. */
  site: SiteName.nullable(),
  version: shownWords(32),
  leaseMs: z.number().int().min(100).max(600_000),
  /** The same at hubs that share a store; absent: it is alone. */
  cluster: PeerId.optional(),
  /** It wants to hear `hub.totals`. */
  totals: z.boolean().optional(),
  /** It has a deposit. */
  deposit: z.boolean().optional(),
  /** From the agent's subnet no PC of another one can be reached: whoever waits for a decision waits in vain. */
  apart: z.boolean().optional(),
  /** What its clock says, ms since 1970. */
  wallMs: count.optional()
})
export type HubHello = z.infer<typeof HubHello>

/** Hub to agent, before a decision that names them. */
export const HubCards = z.object({
  t: z.literal('hub.cards'),
  cards: z
    .array(
      z.object({
        id: PeerId,
        card: CardText,
        /** PCs of the agent's subnet have tried in vain to connect to those of this one's. */
        apart: z.boolean().optional()
      })
    )
    .min(1)
    .max(8)
})

export type HubCards = z.infer<typeof HubCards>

/** Hub to agent: there is no room for this content; continue without the hub. */
export const HubBusy = z.object({ t: z.literal('hub.busy'), ...key, retryMs: z.number().int().min(0).max(3_600_000) })

/** Hub to agent that has or gets it: it is to bring it to the deposit. */
export const HubBring = z.object({ t: z.literal('hub.bring'), ...key })
export type HubBring = z.infer<typeof HubBring>

/** Hub to agent, answer to `hub.offer` and `hub.ask`: what of it is in the deposit. */
export const HubKept = z.object({
  t: z.literal('hub.kept'),
  ...key,
  /** What it answers: one agent may have said both. */
  to: z.enum(['offer', 'ask']),
  lengthBytes: count,
  /** One bit per piece, most significant first, base64; empty: nothing is there, and what was offered is not wanted. */
  map: PieceMapText,
  signers
})
export type HubKept = z.infer<typeof HubKept>

/** Hub to agent that has asked: there is more of it now; `bytes`: how many have reached the PC that brings it. */
export const HubCame = z.object({
  t: z.literal('hub.came'),
  ...key,
  pieces: z.array(pieceIndex).max(4096),
  signers: signers.optional(),
  bytes: count.optional()
})
export type HubCame = z.infer<typeof HubCame>

export const FromHub = z.discriminatedUnion('t', [
  HubHello,
  HubCards,
  HubBusy,
  HubBudget,
  HubBring,
  HubKept,
  HubCame,
  ClaimDecision.extend(key)
])
export type FromHub = z.infer<typeof FromHub>

/** The claim messages that travel to and from a hub. */
export type SiteClaimMessage = Exclude<ClaimMessage, { t: 'claim.ask' | 'claim.holding' }>

/** Those that an agent says to its hub. */
export type ClaimToHub = Exclude<SiteClaimMessage, { t: 'claim.decision' }>

/** Most holders that one decision of a hub names. */
export const MAX_SITE_HOLDERS = 4
