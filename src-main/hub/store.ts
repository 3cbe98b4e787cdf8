import type { EventEmitter } from 'node:events'
import { z } from 'zod'
import { CardText, FromHub, SiteContentKey, SiteName, ToHub } from '../contract/hub-messages.ts'
import { PeerId, type ContentKey } from '../contract/ids.ts'

/** A content of one site. */
export interface SiteContent {
  readonly site: string
  readonly key: ContentKey
}

/** For maps. */
export const nameOf = ({ site, key }: SiteContent): string => `${key} ${site}`

/** The hub that keeps the table of a content. Of two that think so the one with the higher fence does. */
export interface Owner {
  readonly hub: PeerId
  readonly fence: number
}

/** A PC that downloads from origins for its site, as the hub knows it whose tables say so. Bytes per second. */
export const SiteWanUser = z.object({
  id: PeerId,
  used: z.number().min(0).nullable(),
  share: z.number().min(0).nullable()
})
export type SiteWanUser = z.infer<typeof SiteWanUser>

export interface HubStoreEvents {
  /** Another hub says something to this one. */
  message: [from: PeerId, text: string]
  /** It can be used again. */
  up: []
  /** It cannot be used; a clause about it. */
  down: [string]
}

/** An owner that does not say so again loses the table after this time; the same for a hub's sign of life. */
export const OWNED_FOR_MS = 6000
/** Hubs say this often that they are there, and what they own. */
export const EXTEND_MS = 2000
/** Holders of one content that are kept. */
export const MAX_HOLDERS_STORED = 16

/**
 * What hubs behind one address share: who keeps the table of which content, who has what, and a way to talk to each other. It is no
 * database: when it is empty or gone, contents are downloaded once more than necessary and nothing else happens.
 *
 * Every question may reject; then `down` is told first.
 */
export interface HubStore extends EventEmitter<HubStoreEvents> {
  readonly isUp: boolean
  /** The same at all hubs of this store; known once it was up. */
  readonly cluster: PeerId | null
  start(): void
  /** Makes this hub the owner unless another one is. @param gone an owner that is there no more */
  own(content: SiteContent, gone?: Owner): Promise<Owner>
  /** @returns of each whether this hub still owns it; those that it does not have an owner already, or will */
  extend(owned: readonly (SiteContent & { readonly fence: number })[]): Promise<boolean[]>
  release(content: SiteContent, fence: number): Promise<void>
  /** @returns false: that hub is gone */
  say(to: PeerId, text: string): Promise<boolean>
  /** Those of these hubs that have given a sign of life. */
  alive(hubs: readonly PeerId[]): Promise<Set<PeerId>>
  /** Wall clock, ms. */
  hold(content: SiteContent, id: PeerId, untilWallMs: number): Promise<void>
  /** @returns the hub that keeps the table of this content; null: none */
  drop(content: SiteContent, id: PeerId): Promise<PeerId | null>
  /** Newest first; with its card where one is known. */
  holders(content: SiteContent): Promise<{ id: PeerId; untilWallMs: number; card: string | null }[]>
  keepCard(site: string, id: PeerId, card: string): Promise<void>
  /** Says who downloads for a site by the tables of this hub, in this run of it. @returns who does by those of the others */
  wanUsers(site: string, own: readonly SiteWanUser[]): Promise<SiteWanUser[]>
  stop(): Promise<void>
}

/** What hubs say to each other. The store is not trusted with more than what a hub's agents could say themselves. */
export const Envelope = z.discriminatedUnion('t', [
  /** An agent of the sender says this. */
  z.object({ t: z.literal('said'), site: SiteName, by: PeerId, card: CardText.nullable(), message: ToHub }),
  /** The owner of a table tells an agent of the receiver this. */
  z.object({
    t: z.literal('told'),
    site: SiteName,
    to: PeerId,
    key: SiteContentKey.nullable(),
    fence: z.number().int().min(0),
    message: FromHub
  }),
  /** An agent of the sender is gone. */
  z.object({ t: z.literal('lost'), site: SiteName, id: PeerId })
])
export type Envelope = z.infer<typeof Envelope>

export const MAX_ENVELOPE_BYTES = 64 * 1024

/** @returns undefined for anything no hub says */
export function readEnvelope(text: string): Envelope | undefined {
  if (text.length > MAX_ENVELOPE_BYTES) return undefined
  try {
    return Envelope.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
