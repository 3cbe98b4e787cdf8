import { z } from 'zod'
import { ContentKey, PeerId, Sha256Hex } from './ids.ts'

/**
 * Messages on the control connection between two agents: one JSON object per WebSocket text frame, told apart by `t`.
 * All of them are parsed with {@link PeerMessage} after the frame's size was bounded by {@link MAX_PEER_MESSAGE_BYTES}.
 * The connection carries none of them before both sides have proved their membership (see docs/protocol.md).
 */
export const MAX_PEER_MESSAGE_BYTES = 64 * 1024

/** Most pieces a content can have; the piece size doubles instead. */
export const MAX_PIECES = 16_384

const epoch = z.number().int().min(0).max(0xffff_ffff)
const pieceIndex = z
  .number()
  .int()
  .min(0)
  .max(MAX_PIECES - 1)
const pieceTotal = z.number().int().min(0).max(MAX_PIECES)
const byteCount = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

/** Words of others that are shown to people: one line, and nothing that moves a cursor or hides what it says. */
export const shownWords = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u)

/** What a weight was decided on, in words for people: `laptop, Wi-Fi, battery 80 %`. */
const about = shownWords(200).optional()

/** Who was master in which epoch, as far as the sender knows; pieces signed by others in that epoch are refused. */
export const MasterHistory = z.array(z.object({ epoch, master: PeerId })).max(64)
export type MasterHistory = z.infer<typeof MasterHistory>

/** Claimant to coordinator: everything about its claim. Idempotent; sent at opening, at each change, and by a master each second (renews the lease). */
export const ClaimPut = z.object({
  t: z.literal('claim.put'),
  key: ContentKey,
  /** `seeking` wants the content, `mastering` downloads it from the origin, `holding` has it all and serves. */
  role: z.enum(['seeking', 'mastering', 'holding']),
  pieces: pieceTotal,
  pieceCount: pieceTotal,
  /** Bytes of the content this agent has or is receiving; progress as shown to others. */
  bytes: byteCount,
  weight: z.number().int().min(0).max(99),
  about,
  /** False: never elect me (weight 0, VPN, metered, disk full, paused). */
  eligible: z.boolean(),
  /** Last epoch this claimant knows of, 0 at first. */
  epoch,
  /** Master of that epoch as far as it knows. */
  master: PeerId.nullable(),
  masters: MasterHistory
})
export type ClaimPut = z.infer<typeof ClaimPut>

/** Claimant to coordinator: it leaves (cancelled, failed, or its hold time is over). */
export const ClaimClose = z.object({ t: z.literal('claim.close'), key: ContentKey })
export type ClaimClose = z.infer<typeof ClaimClose>

/** Follower to coordinator: the master of `epoch` does not answer or does not move. */
export const ClaimReport = z.object({
  t: z.literal('claim.report'),
  key: ContentKey,
  epoch,
  problem: z.enum(['unreachable', 'stalled', 'corrupt'])
})
export type ClaimReport = z.infer<typeof ClaimReport>

/** Master to coordinator: it cannot go on (origin error, disk full, pause); elect another one. */
export const ClaimResign = z.object({
  t: z.literal('claim.resign'),
  key: ContentKey,
  epoch,
  why: z.enum(['origin-error', 'disk-full', 'paused', 'leaving']),
  /** The origin broke off and cannot go on from there; it may be this one's turn again when nobody else can try. */
  brokeOff: z.boolean().optional()
})
export type ClaimResign = z.infer<typeof ClaimResign>

/** Coordinator to all members: who has pieces of this content without having a claim? */
export const ClaimAsk = z.object({
  t: z.literal('claim.ask'),
  key: ContentKey,
  /** The election waits for nothing but the answers. */
  soon: z.boolean().optional()
})
export type ClaimAsk = z.infer<typeof ClaimAsk>

/** Member to coordinator: what it has. At once when it has some, or is asked for it `soon`; else who has nothing says so within half a window, unless it puts a claim of its own by then. */
export const ClaimHolding = z.object({
  t: z.literal('claim.holding'),
  key: ContentKey,
  pieces: pieceTotal,
  complete: z.boolean()
})
export type ClaimHolding = z.infer<typeof ClaimHolding>

/**
 * Coordinator to claimant: what was decided. `master` null with a complete holder means nobody needs the origin;
 * null without one means that nobody is eligible. Nothing is sent while the election window is open.
 */
export const ClaimDecision = z.object({
  t: z.literal('claim.decision'),
  key: ContentKey,
  epoch,
  master: PeerId.nullable(),
  /** Ms the master keeps its mastership without renewing. */
  leaseMs: z.number().int().min(100).max(600_000),
  /** Other agents to exchange pieces with, at most 64. */
  holders: z.array(z.object({ id: PeerId, complete: z.boolean() })).max(64),
  masters: MasterHistory,
  /** How often masters have begun it in vain, because the origin broke off and cannot go on from there. */
  brokenOff: z.number().int().min(1).max(255).optional(),
  /** The election as it was: best first, at most 16; empty when it was told before. */
  candidates: z
    .array(
      z.object({
        id: PeerId,
        pieces: pieceTotal,
        weight: z.number().int().min(0).max(99),
        eligible: z.boolean(),
        about
      })
    )
    .max(16),
  why: shownWords(200)
})
export type ClaimDecision = z.infer<typeof ClaimDecision>

/** Asks a peer for its piece map of a content and for news about it. Sent again when `waits` has changed. */
export const SwarmJoin = z.object({
  t: z.literal('swarm.join'),
  key: ContentKey,
  /** Somebody waits for it there: a download in the background goes on as one in the foreground. */
  waits: z.boolean().optional()
})
export type SwarmJoin = z.infer<typeof SwarmJoin>

/** A signer's public key (SPKI DER, base64url) and the proof that it is a member, so that its records can be checked by people who never met it. */
export const Credential = z.object({ spki: z.string().max(256), proof: z.string().max(4096) })
export type Credential = z.infer<typeof Credential>

/** A map of pieces as it travels: base64. */
export const PieceMapText = z
  .string()
  .max(Math.ceil(MAX_PIECES / 8 / 3) * 4 + 4)
  .regex(/^[A-Za-z0-9+/]*={0,2}$/)

/** Answer to `swarm.join`, and again when pieces were lost: the whole map. */
export const SwarmHave = z.object({
  t: z.literal('swarm.have'),
  key: ContentKey,
  lengthBytes: byteCount,
  /** One bit per piece, most significant first, base64. Empty when complete. */
  map: PieceMapText,
  complete: z.boolean(),
  /** When complete: Merkle root over the piece digests (RFC 9162), so that holders that disagree are noticed. */
  root: Sha256Hex.optional(),
  /** Credentials of those who signed pieces in this map, at most 16. */
  signers: z.array(Credential).max(16)
})
export type SwarmHave = z.infer<typeof SwarmHave>

/** Newly verified pieces, gathered for some milliseconds. */
export const SwarmGot = z.object({
  t: z.literal('swarm.got'),
  key: ContentKey,
  pieces: z.array(pieceIndex).min(1).max(4096),
  signers: z.array(Credential).max(4).optional()
})
export type SwarmGot = z.infer<typeof SwarmGot>

/** From a master, each second while it downloads: bytes received so far, verified or not. Keeps followers patient on slow links. */
export const SwarmProgress = z.object({
  t: z.literal('swarm.progress'),
  key: ContentKey,
  bytes: byteCount,
  /** The origin broke off here and cannot go on from there. */
  brokeOff: z.boolean().optional()
})
export type SwarmProgress = z.infer<typeof SwarmProgress>

/** Asks a complete holder for its piece digests from `first` on; sent when holders disagree. */
export const SwarmAskDigests = z.object({ t: z.literal('swarm.askDigests'), key: ContentKey, first: pieceIndex })
export type SwarmAskDigests = z.infer<typeof SwarmAskDigests>

/** Answer: SHA-256 of the pieces from `first` on, at most 1024 of them. */
export const SwarmDigests = z.object({
  t: z.literal('swarm.digests'),
  key: ContentKey,
  first: pieceIndex,
  /** 32 bytes each, base64. */
  digests: z.base64().max(Math.ceil((1024 * 32) / 3) * 4)
})
export type SwarmDigests = z.infer<typeof SwarmDigests>

/** No more news, please; or: I have nothing of it. */
export const SwarmLeave = z.object({ t: z.literal('swarm.leave'), key: ContentKey })
export type SwarmLeave = z.infer<typeof SwarmLeave>

/**
 * A member has seen at the origin that a record is not true. A member that hears it checks the signature and asks the origin itself, and
 * only for a URL that it has asked for anyway.
 */
export const EvidenceMessage = z.object({
  t: z.literal('evidence'),
  key: ContentKey,
  /** 136 bytes, base64url. */
  record: z.string().regex(/^[A-Za-z0-9_-]{182}$/),
  /** Whoever signed it. */
  signer: Credential
})
export type EvidenceMessage = z.infer<typeof EvidenceMessage>

/** This PC compares a content without digest with its origin, or does so no more; evidence of what it found has been sent before. */
export const CheckMessage = z.object({ t: z.literal('check'), key: ContentKey, is: z.enum(['begun', 'over']) })
export type CheckMessage = z.infer<typeof CheckMessage>

/** Asks whether the peer keeps some version of a URL, of which it gets a digest; see `transfers/kept-at-peers.ts`. */
export const KeptAsk = z.object({ t: z.literal('kept.ask'), source: Sha256Hex })
export type KeptAsk = z.infer<typeof KeptAsk>

/** Answer to `kept.ask`: the version that is there whole and may be used although it may be old; null: none. */
export const KeptHave = z.object({
  t: z.literal('kept.have'),
  source: Sha256Hex,
  version: z
    .object({
      /** Strong entity tag with its quotes. */
      etag: z
        .string()
        .max(1024)
        .regex(/^"[\x21\x23-\x7e\x80-\xff]*"$/)
        .nullable(),
      /** As the origin sent it. */
      lastModified: z
        .string()
        .max(64)
        .regex(/^[\x20-\x7e]*$/)
        .nullable(),
      lengthBytes: byteCount
    })
    .nullable()
})
export type KeptHave = z.infer<typeof KeptHave>

export const PeerMessage = z.discriminatedUnion('t', [
  ClaimPut,
  ClaimClose,
  ClaimReport,
  ClaimResign,
  ClaimAsk,
  ClaimHolding,
  ClaimDecision,
  SwarmJoin,
  SwarmHave,
  SwarmGot,
  SwarmProgress,
  SwarmAskDigests,
  SwarmDigests,
  SwarmLeave,
  EvidenceMessage,
  CheckMessage,
  KeptAsk,
  KeptHave
])
export type PeerMessage = z.infer<typeof PeerMessage>

/**
 * In a fleet with a CA: the number of the newest deny list the sender knows, or that list. A member that hears a higher number than its
 * own says its own; one that hears a lower number sends its list.
 */
export const FleetDenied = z.object({
  t: z.literal('fleet.denied'),
  number: z.number().int().min(0).max(0xffff_ffff),
  /** Signed by the CA, base64url. */
  list: z
    .string()
    .max(43_784)
    .regex(/^[A-Za-z0-9_-]*$/)
    .optional()
})
export type FleetDenied = z.infer<typeof FleetDenied>

/** The same for contents that the CA has recalled. */
export const FleetRecalled = z.object({
  t: z.literal('fleet.recalled'),
  number: z.number().int().min(0).max(0xffff_ffff),
  /** Signed by the CA, base64url. */
  list: z
    .string()
    .max(44_200)
    .regex(/^[A-Za-z0-9_-]*$/)
    .optional()
})
export type FleetRecalled = z.infer<typeof FleetRecalled>
/** About the fleet itself. */
export type FleetMessage = FleetDenied | FleetRecalled

/** Everything that may come on a control connection after the hello. */
export const ControlMessage = z.discriminatedUnion('t', [...PeerMessage.options, FleetDenied, FleetRecalled])
export type ControlMessage = z.infer<typeof ControlMessage>
export type ClaimMessage = Extract<PeerMessage, { t: `claim.${string}` }>
export type SwarmMessage = Extract<PeerMessage, { t: `swarm.${string}` }>
