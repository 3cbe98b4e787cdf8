import type { EventEmitter } from 'node:events'
import type { BootId, ContentKey, PeerId, Sha256Hex } from '../contract/ids.ts'
import type { HubSettings } from '../contract/hub-settings.ts'
import type { FromHub, HubHello, ToHub } from '../contract/hub-messages.ts'
import type { HubProblem } from '../contract/hub-view.ts'
import type { Credential, PeerMessage } from '../contract/peer-messages.ts'
import type { Priority } from '../contract/request.ts'
import type { PeerView, UploadView, AgentSnapshot } from '../contract/snapshot.ts'
import type { PieceBuffer } from '../pieces/piece-buffers.ts'
import type { PiecePlan } from '../pieces/plan.ts'
import type { PieceRecord } from '../pieces/record.ts'

/** Structured log as the peer network needs it; `pino`'s shape. */
export interface Log {
  debug(facts: object, text: string): void
  info(facts: object, text: string): void
  warn(facts: object, text: string): void
  error(facts: object, text: string): void
}

/** A member of the fleet with a proven, live control connection. */
export interface ConnectedPeer {
  readonly id: PeerId
  readonly name: string
  readonly address: string
  readonly port: number
  readonly bootId: BootId
  readonly weight: number
  readonly version: string
  /** In another subnet: a hub has named it. It exchanges pieces, and has no say in who is master here. */
  readonly far: boolean
  /** It may be asked `kept.ask`. */
  readonly answersKept?: boolean | undefined
  /** It may be told `check`. */
  readonly hearsChecks?: boolean | undefined
}

/** Content this agent can serve to members; opened per upload. */
export interface ServedContent {
  readonly plan: PiecePlan
  has(index: number): boolean
  /** The record that goes along with the piece. */
  record(index: number): PieceRecord
  /** The reader gives the memory back when it has sent it. */
  read(index: number): Promise<PieceBuffer>
  /** Notes that a piece has left. */
  served(peer: PeerId, bytes: number): void
  close(): void
}

/** What the agent gives to its peers. Called only for proven members. */
export interface PieceSource {
  /** @returns undefined when there is nothing of it here, or it must not be shared */
  openServed(key: ContentKey): Promise<ServedContent | undefined>
  /** It is here and so small that an answer with it is over at once; see `isSmall`. Asked often: must be quick. */
  isSmall(key: ContentKey): boolean
}

/** One piece as it arrived: not yet verified. Its memory is given back by whoever takes it. */
export interface ReceivedPiece extends PieceBuffer {
  readonly record: PieceRecord
}

export interface PeerNetworkEvents {
  connected: [ConnectedPeer]
  /** One that was taken for somebody of another subnet is near. */
  near: [ConnectedPeer]
  /** The control connection is gone; `reason` is a clause about the peer, e.g. `was silent for 12 s`. */
  lost: [ConnectedPeer, string]
  /** A proven member's message, parsed. */
  message: [PeerId, PeerMessage]
  /** Somebody was not let in or did not let us in; `reason` is a clause about it, e.g. `has another site key`. Told once in a while, not at each try. */
  refused: [{ address: string; id: PeerId | null; reason: string }]
  /** Nothing this peer says about this content counts from now on. */
  banned: [PeerId, ContentKey]
  /** Something about this PC's own membership that its people should know; a sentence. */
  notice: [string]
  /** {@link PeerNetwork.recalled} has changed. */
  recalled: []
  /** Where this agent can be reached is known now, or has changed. */
  pathsChanged: []
  /** Anything that changes {@link PeerNetwork.view}. */
  changed: []
}

/** What came of an introduction. `outside`: no address on the card may be dialled. `apart`: not tried, as its subnet was not reached recently. */
export type Introduced = 'connected' | 'unreachable' | 'apart' | 'refused' | 'outside' | 'not-now'

/** Members of other subnets. */
export interface FarNetwork {
  /** What a hub is told of this PC, first of all: who and where it is, its card signed by itself. */
  introduction(): ToHub
  /** A hub gave this card with that id. @returns false when it is not what it is said to be */
  learn(id: PeerId, card: Uint8Array): boolean
  /** Other PCs of this subnet have tried in vain to connect to those of that one's. */
  noteApart(id: PeerId): void
  /** Connects to a member whose card is known, within the limits of what a hub may cause. */
  introduce(id: PeerId): Promise<Introduced>
}

/** Where hubs are, and whom they may name. */
export type HubSearch = Pick<HubSettings, 'urls' | 'reach' | 'discover'>

/** A hub this agent is connected to. */
export interface ConnectedHub {
  readonly id: PeerId
  readonly url: string
  readonly hello: HubHello
  /** Its peer port; null: it is reached through a proxy. */
  readonly at: { readonly host: string; readonly port: number } | null
}

/** One of the hubs in the settings, as people see it. */
export interface HubState {
  readonly url: string
  readonly id: PeerId | null
  readonly state: 'connected' | 'connecting' | 'lost' | 'refused' | 'self'
  /** A clause about it while it is not connected. */
  readonly reason: string | null
  /** What keeps this agent from it; `cut` also while it is connected. */
  readonly problem: HubProblem | null
  /** By how much its clock is ahead of that of this PC; null: it has not said. */
  readonly skewMs: number | null
  readonly name: string | null
  readonly site: string | null
  readonly sinceMs: number
}

export interface HubLinksEvents {
  up: [ConnectedHub]
  /** It is gone; a clause about it. */
  down: [ConnectedHub, string]
  message: [PeerId, Exclude<FromHub, HubHello>]
  changed: []
}

/** The hubs of this agent, as the rest of it knows them. */
export interface HubLinks extends EventEmitter<HubLinksEvents> {
  /** Some are set, whether they can be reached or not. */
  readonly inUse: boolean
  /** Those that have said who they are. */
  connected(): readonly ConnectedHub[]
  /** @returns false when it is not connected */
  send(hub: PeerId, message: ToHub): boolean
  view(): HubState[]
}

/** An agent that is connected to this one as its hub. */
export interface HubMember {
  readonly id: PeerId
  /** It comes from this address. */
  readonly address: string
  readonly sinceMs: number
}

/** What an agent brings to a deposit, piece by piece. */
export interface DepositIntake {
  readonly plan: PiecePlan
  /** Checks and keeps it. The memory stays with the caller. @returns a clause about who brought something wrong; null: it is kept */
  take(piece: ReceivedPiece): Promise<string | null>
  close(): void
}

/** What this agent as hub keeps for others. Asked only for agents that are connected to it as their hub. */
export interface DepositShelf {
  /** @param key the site key of what this agent has asked for */
  openServed(peer: PeerId, key: ContentKey): Promise<ServedContent | undefined>
  /** `later`: as much comes in already as may at a time. @returns undefined when nothing of it is wanted from this one */
  openIntake(peer: PeerId, key: ContentKey): DepositIntake | 'later' | undefined
}

export interface HubDoorEvents {
  joined: [HubMember]
  lost: [PeerId]
  message: [PeerId, ToHub]
}

/** The agents that take this one for their hub. */
export interface HubDoor extends EventEmitter<HubDoorEvents> {
  members(): readonly HubMember[]
  /** @returns false when it is not connected */
  send(to: PeerId, message: FromHub): boolean
  /** Pieces are kept there from now on. */
  shelve(shelf: DepositShelf): void
}

/** Deposits of the hubs this agent is connected to. Each is a source of pieces with an id of its own, because a hub may also have the same content as a PC. */
export interface Deposits {
  /** As a source of pieces. */
  idOf(hub: PeerId): PeerId
  /** @returns undefined when there is no such deposit, or it cannot be reached */
  hubOf(id: PeerId): PeerId | undefined
  /** What shows a hub that this agent knows a content (`DepositTag`); undefined: it does not. */
  tagOf(key: ContentKey): string | undefined
  /**
   * Brings a run of pieces. `later`: in a moment; `unwanted`: nothing of it is wanted there any more.
   * @throws PEER_LOST, CANCELLED, what reading the content throws
   */
  bring(
    hub: PeerId,
    name: ContentKey,
    content: ServedContent,
    run: { first: number; count: number },
    signal: AbortSignal
  ): Promise<'kept' | 'later' | 'unwanted'>
}

/** The fleet as seen from this agent: discovery, membership, control connections, pieces over mutual TLS 1.3. */
export interface PeerNetwork extends EventEmitter<PeerNetworkEvents> {
  readonly self: PeerId
  readonly bootId: BootId
  /** Whether and how this agent is a member of a fleet; `tag` tells fleets apart without naming a secret. */
  fleet(): AgentSnapshot['fleet']
  /** This agent's own public key and membership proof, to hand along with records it signs. */
  readonly credential: Credential | null
  /** Signs as this device (ECDSA P-256, IEEE P1363, 64 bytes). */
  sign(message: Uint8Array): Buffer
  /** Name of a content between this agent and a hub: says nothing to a non-member. */
  blind(key: ContentKey): ContentKey
  /** Members of other subnets: who is named by a hub, and connecting to them. */
  readonly far: FarNetwork
  /** The hubs in the settings. */
  readonly hubs: HubLinks
  readonly deposits: Deposits
  /** Agents that take this one for their hub; null: it is none. */
  readonly door: HubDoor | null
  /**
   * Checks that a credential belongs to a member.
   * @param by who showed it: a member may bring a number of new ones, then fewer; null: it was kept here
   * @returns its peer id and public key, or undefined
   */
  verifyCredential(credential: Credential, by: PeerId | null): { id: PeerId; spki: Buffer } | undefined
  /** A credential as it is shown to others: proved to all who take this agent for a member, where this agent can do that. */
  passOn(credential: Credential): Credential
  /** Public key (SPKI DER) of a member met in this run or introduced by a valid credential. */
  memberKey(id: PeerId): Buffer | undefined
  connected(): readonly ConnectedPeer[]
  peer(id: PeerId): ConnectedPeer | undefined
  nameOf(id: PeerId): string
  /** Where a connected member is, where that tells it from others; see `PeerNetworkOptions.countsIdentities`. */
  placeOf(id: PeerId): string | null
  /** @returns false when the peer is not connected; messages to one peer arrive in order */
  send(to: PeerId, message: PeerMessage): boolean
  /** Whether a peer answers a message of a few bytes within a second; nothing follows from it. */
  answersNow(id: PeerId): Promise<boolean>
  /**
   * Asks a peer, or a deposit, for a run of pieces; yields them in order as they arrive. Frames are bounded by the plan. The caller
   * verifies. Breaking off ends the request. `progress` is told of bytes of pieces as they come in.
   * @throws PEER_BUSY (all upload slots taken; `details.retryAfterMs`), PEER_LOST (gone, or nothing came for `stallMs`: then
   * `details.stalled`), PEER_PROTOCOL (the peer is cut off as well), NOT_FOUND (has it no more), CANCELLED (`signal`)
   */
  fetchPieces(
    from: PeerId,
    key: ContentKey,
    plan: PiecePlan,
    run: { first: number; count: number },
    options: { signal?: AbortSignal; stallMs: number; priority?: Priority; progress?: (bytes: number) => void }
  ): AsyncGenerator<ReceivedPiece>
  /** Refuses further uploads to and messages from this peer about this content; named in the view. */
  ban(id: PeerId, key: ContentKey, reason: string): void
  isBanned(id: PeerId, key: ContentKey): boolean
  /** A member floods this agent; told once in a while by `refused`, and it stays connected. `reason`: a clause about it. */
  noteFlood(id: PeerId, reason: string): void
  /** Contents that the CA of the fleet has recalled, and why. */
  readonly recalled: ReadonlyMap<Sha256Hex, string>
  /** Membership has changed: former members lose their connections. */
  enforceMembership(): void
  view(): PeerView[]
  uploads(): UploadView[]
  /** Breaks off all that is being served now. */
  abortUploads(): void
  interfaces(): AgentSnapshot['interfaces']
  /** Ports in use once started. */
  ports(): { peer: number | null; beacon: number | null }
  /** Other hubs, or other subnets to be reached. */
  configureHubs(settings: HubSearch): void
  /** The weight of this PC has changed: members are told. */
  renewHello(): void
  /** The end of a peer must be noticed within seconds, as it is at first; or (`false`) within minutes, where nothing hangs on it. */
  watchClosely(on: boolean): void
  /** Network or power changed: rescan interfaces, beacon at once. */
  refresh(): void
  start(): Promise<void>
  stop(): Promise<void>
}
