import type { CachedContent, PartialContent } from '../cache/cache.ts'
import type { ContentKey, PeerId, Sha256Hex } from '../contract/ids.ts'
import type { Credential, SwarmMessage } from '../contract/peer-messages.ts'
import type { TransferView } from '../contract/snapshot.ts'
import { LarderError } from '../lib/errors.ts'
import { knowledgeOf } from '../origin/content-key.ts'
import type { OriginVersion } from '../origin/origin.ts'
import type { PieceSource, ServedContent } from '../peers/network.ts'
import { isSmall, pieceLength, pieceStart } from '../pieces/plan.ts'
import { merkleRoot } from '../pieces/merkle.ts'
import { signRecord } from '../pieces/record.ts'
import { FinishedTransfers } from './finished-transfers.ts'
import { HotPieces } from './hot-pieces.ts'
import type { Interest } from './interests.ts'
import type { TransferWorld } from './job.ts'
import { KeptAtPeers } from './kept-at-peers.ts'
import { LengthsAtPeers } from './lengths-at-peers.ts'
import { Transfer, type TransferInit } from './transfer.ts'
import { digestsFrom } from './verify/piece-digests.ts'
import { mayOffer, recordToServe } from './verify/vouch.ts'

/** Credentials that one message about a map takes. */
const MAX_SIGNERS_PER_MAP = 16

/** The place of one interest among those of a content. */
export interface Membership {
  /** It was paused or resumed. */
  changed(): void
  /** It waits no more. Idempotent. */
  leave(): void
}

/** All transfers of this agent, one per content, and what it serves to peers. */
export class Transfers implements PieceSource {
  readonly #world: TransferWorld
  /** Those who wait for a transfer that is being made. */
  readonly #starting = new Map<ContentKey, { readonly version: OriginVersion; readonly waiting: Set<Interest> }>()
  readonly #starts = new Set<Promise<void>>()
  /** Their partials are being closed; nobody may open them before that. */
  readonly #ending = new Map<ContentKey, Promise<void>>()
  readonly #live = new Map<ContentKey, Transfer>()
  readonly #held: FinishedTransfers<Transfer>
  readonly #ended = { originBytes: 0, peerBytes: 0 }
  #endedSampledBytes = 0
  readonly #hot: HotPieces
  readonly #uploaded: (bytes: number) => void
  #servedBytes = 0
  /** Served of contents that were not complete yet. */
  readonly #servedEarly = new Map<ContentKey, Map<PeerId, number>>()
  /** Of contents of which only the digest is known. */
  readonly lengths: LengthsAtPeers
  readonly kept: KeptAtPeers
  #serving = true
  #closed = false

  /** @param uploaded bytes have gone to a peer */
  constructor(world: TransferWorld, uploaded: (bytes: number) => void = () => {}) {
    this.#uploaded = uploaded
    this.#world = world
    this.#held = new FinishedTransfers(world.clock, (transfer) => void this.#end(transfer))
    this.#hot = new HotPieces(world.clock, world.buffers)
    this.lengths = new LengthsAtPeers(world.network, world.clock)
    this.kept = new KeptAtPeers(world.network, world.clock, world.cache, (key) => this.holdings(key)?.complete === true)
  }

  /** Bytes served to peers in this run. */
  get servedBytes(): number {
    return this.#servedBytes
  }

  /** Asked of origins only to compare what peers gave, in this run. */
  get sampledBytes(): number {
    return [...this.#live.values()].reduce((sum, t) => sum + t.sampledBytes, this.#endedSampledBytes)
  }

  /** Content bytes were compared with the origin outside a transfer. */
  noteSampled(bytes: number): void {
    this.#endedSampledBytes += bytes
  }

  /** Verified bytes by where they came from, in this run; each counted once however many requests waited for it. */
  get totals(): { originBytes: number; peerBytes: number } {
    const totals = { ...this.#ended }
    for (const { split } of this.#live.values()) {
      totals.originBytes += split.originBytes
      totals.peerBytes += split.peerBytes
    }
    return totals
  }

  /**
   * Makes it one of the interests of a content's transfer, which is made if there is none. What comes of that it is told:
   * `joined`, or `transferFailed` with DISK_FULL, CACHE_UNUSABLE or SHUTTING_DOWN.
   */
  join(init: TransferInit, interest: Interest): Membership {
    const { key } = init
    let live = this.#live.get(key)
    // A holder whose content was evicted meanwhile has nothing to give: begin again.
    if (live?.state === 'holding') {
      void this.#end(live)
      live = undefined
    }
    const starting = this.#starting.get(key)
    const underWay = live ?? starting
    if (underWay && underWay.version !== init.version) this.#world.origin.release(init.version)
    if (live) live.attach(interest)
    else if (starting) starting.waiting.add(interest)
    else {
      const start = this.#start(init, interest).finally(() => this.#starts.delete(start))
      this.#starts.add(start)
    }
    return {
      changed: () => this.#live.get(key)?.interestChanged(interest),
      leave: () => {
        this.#starting.get(key)?.waiting.delete(interest)
        this.#live.get(key)?.detach(interest)
      }
    }
  }

  get(key: ContentKey): Transfer | undefined {
    return this.#live.get(key)
  }

  /** Whether it is asked for no pieces because its large answers do not arrive; see {@link LeftOutPeers.view}. */
  leftOut(id: PeerId): { since: number; until: number } | undefined {
    return this.#world.leftOut?.view(id)
  }

  views(): TransferView[] {
    return [...this.#live.values()].map((t) => t.view())
  }

  handle(from: PeerId, message: SwarmMessage): void {
    const transfer = this.#live.get(message.key)
    if (transfer) return transfer.handle(from, message)
    this.lengths.handle(from, message)
    if (message.t === 'swarm.join') void this.#answerJoin(from, message.key)
    else if (message.t === 'swarm.askDigests') void this.#answerDigests(from, message.key, message.first)
  }

  /** Off: peers get nothing, hear of nothing, and are led by others. What this PC asked for goes on. */
  setServing(serving: boolean): void {
    this.#serving = serving
    for (const transfer of this.#live.values()) {
      // A holder is there for its peers alone.
      if (!serving && transfer.state === 'holding') void this.#end(transfer)
      else transfer.setServing(serving)
    }
  }

  memberLost(id: PeerId): void {
    for (const t of this.#live.values()) t.memberLost(id)
  }

  /** What this agent has of a content, for the election; undefined when it has nothing it may share. */
  holdings(key: ContentKey): { pieces: number; complete: boolean } | undefined {
    if (!this.#serving) return undefined
    const content = this.#offered(key)
    if (content) return { pieces: content.plan.count, complete: true }
    const transfer = this.#live.get(key)
    const pieces = transfer?.view().havePieces ?? 0
    return pieces > 0 ? { pieces, complete: false } : undefined
  }

  isSmall(key: ContentKey): boolean {
    const plan = this.#live.get(key)?.plan ?? this.#world.cache.findByKey(key)?.plan
    return plan !== undefined && isSmall(plan)
  }

  async openServed(key: ContentKey): Promise<ServedContent | undefined> {
    if (!this.#serving) return undefined
    const content = this.#offered(key)
    if (content) return this.#serveComplete(key, content)
    const transfer = this.#live.get(key)
    return transfer?.served(this.#hot, (peer, bytes) => {
      this.#noteServed(bytes)
      const servedTo = this.#servedEarly.get(key) ?? new Map<PeerId, number>()
      this.#servedEarly.set(key, servedTo.set(peer, (servedTo.get(peer) ?? 0) + bytes))
    })
  }

  /** What this agent knows of a `version:` content because it has asked its origin; see `knowledgeOf`. */
  knowledge(key: ContentKey): Buffer | undefined {
    const version = this.#live.get(key)?.stored ?? this.#world.cache.versionOfKey(key)
    return (version && knowledgeOf(version)) ?? undefined
  }

  /** A content of the cache that peers can prove to know. */
  #shared(key: ContentKey): CachedContent | undefined {
    const content = this.#world.cache.findByKey(key)
    return content && (key.startsWith('sha256:') || this.knowledge(key)) ? content : undefined
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#hot.clear()
    await Promise.all(this.#starts)
    await Promise.all([...this.#live.values()].map((t) => this.#end(t)))
  }

  async #start(init: TransferInit, first: Interest): Promise<void> {
    const waiting = new Set([first])
    this.#starting.set(init.key, { version: init.version, waiting })
    let partial: PartialContent | undefined
    let failure: LarderError | undefined
    try {
      await this.#ending.get(init.key)
      if (this.#closed) throw new LarderError('SHUTTING_DOWN', 'The agent is stopping')
      partial = await this.#world.cache.openPartial(init.key, init.plan)
    } catch (error) {
      failure = LarderError.from(error, 'CACHE_UNUSABLE')
    }
    this.#starting.delete(init.key)
    if (this.#closed) failure ??= new LarderError('SHUTTING_DOWN', 'The agent is stopping')
    if (partial === undefined || failure !== undefined || waiting.size === 0) {
      for (const interest of waiting) interest.transferFailed(failure!)
      await partial?.close()
      return
    }
    const transfer: Transfer = new Transfer(init, partial, this.#world, () => void this.#end(transfer))
    this.#live.set(init.key, transfer)
    if (!this.#serving) transfer.setServing(false)
    transfer.on('done', () => this.#bookServedEarly(init.key))
    transfer.on('done', () => this.#held.keep(transfer, this.#serving ? this.#world.settings.transfers.holdMs : 0))
    transfer.on('failed', () => void this.#end(transfer))
    for (const interest of waiting) transfer.attach(interest)
  }

  #end(transfer: Transfer): Promise<void> {
    if (this.#live.get(transfer.key) !== transfer) return this.#ending.get(transfer.key) ?? Promise.resolve()
    this.#live.delete(transfer.key)
    this.#held.forget(transfer)
    this.#bookServedEarly(transfer.key)
    this.#ended.originBytes += transfer.split.originBytes
    this.#ended.peerBytes += transfer.split.peerBytes
    this.#endedSampledBytes += transfer.sampledBytes
    // A disk that fails now may cost the pieces got so far, and nothing else: the next request fetches them again.
    const ending = transfer
      .close()
      .catch(() => {})
      .finally(() => {
        this.#ending.delete(transfer.key)
        this.#world.changed()
      })
    this.#ending.set(transfer.key, ending)
    return ending
  }

  /** Credentials of those who signed what is here of a content, this agent's own first. */
  signersOf(key: ContentKey): Credential[] {
    const live = this.#live.get(key)
    return live && live.content === null ? live.signers() : this.#keptSigners(key)
  }

  #keptSigners(key: ContentKey): Credential[] {
    const { network, cache } = this.#world
    const kept = cache.provenance(key)?.signers ?? []
    return [
      ...(network.credential ? [network.credential] : []),
      ...kept.flatMap(({ credential }) => (credential ? network.passOn(credential) : []))
    ]
  }

  /** Bytes of it that have come; null: it is not being downloaded. */
  receivedOf(key: ContentKey): number | null {
    const live = this.#live.get(key)
    return live && live.content === null ? live.haveBytes + live.arrivingBytes : null
  }

  async #answerDigests(from: PeerId, key: ContentKey, first: number): Promise<void> {
    const digests = this.#serving ? await this.#pieceDigests(this.#offered(key)) : undefined
    if (digests)
      this.#world.network.send(from, { t: 'swarm.digests', key, first, digests: digestsFrom(digests, first) })
  }

  async #pieceDigests(content: CachedContent | undefined): Promise<Buffer | undefined> {
    const reader = content && (await this.#world.cache.open(content.sha256).catch(() => undefined))
    await reader?.close()
    return reader?.pieceDigests
  }

  async #answerJoin(from: PeerId, key: ContentKey): Promise<void> {
    const content = this.#offered(key)
    const { network } = this.#world
    if (!content || !network.credential || !this.#serving) return void network.send(from, { t: 'swarm.leave', key })
    // By digest nobody can disagree.
    const digests = key.startsWith('version:') ? await this.#pieceDigests(content) : undefined
    const root = digests && (merkleRoot(digests).toString('hex') as Sha256Hex)
    const signers = this.#keptSigners(key)
    for (let at = 0; at < signers.length; at += MAX_SIGNERS_PER_MAP)
      network.send(from, {
        t: 'swarm.have',
        key,
        lengthBytes: content.plan.lengthBytes,
        map: '',
        complete: true,
        ...(root && { root }),
        signers: signers.slice(at, at + MAX_SIGNERS_PER_MAP)
      })
  }

  /** The complete content of a key, when others may have it. */
  #offered(key: ContentKey): CachedContent | undefined {
    const { cache, network, networks, recalls, settings } = this.#world
    const content = this.#shared(key)
    if (!content || recalls.reason(content.sha256) !== undefined) return undefined
    const may = mayOffer(key, cache.provenance(key), {
      withoutDigest: settings.sharing.withoutDigest,
      self: network.self,
      isHere: (name) => networks.isHere(name),
      believes: (credential) => network.verifyCredential(credential, null) !== undefined
    })
    return may ? content : undefined
  }

  /** Complete: each piece goes with its first signature. */
  async #serveComplete(key: ContentKey, content: CachedContent): Promise<ServedContent | undefined> {
    const { network, cache } = this.#world
    const reader = await cache.open(content.sha256)
    if (!reader) return undefined
    const { plan, pieceDigests } = reader
    const digest = (index: number) => pieceDigests.subarray(index * 32, index * 32 + 32)
    const provenance = reader.provenances.find((one) => one.key === key)
    const recordOf = (index: number) => {
      const piece = { key, index, digest: digest(index) }
      return recordToServe(provenance, piece, () =>
        signRecord(key, { ...piece, epoch: 0, signer: network.self }, (message) => network.sign(message))
      )
    }
    if (!recordOf(0)) {
      await reader.close()
      return undefined
    }
    const servedTo = new Map<PeerId, number>()
    return {
      plan,
      has: (index) => recordOf(index) !== undefined,
      record: (index) => recordOf(index)!,
      read: (index) => {
        const lengthBytes = pieceLength(plan, index)
        return this.#hot.get(digest(index), lengthBytes, (into) =>
          reader.read(pieceStart(plan, index), lengthBytes, into)
        )
      },
      served: (peer, bytes) => {
        servedTo.set(peer, (servedTo.get(peer) ?? 0) + bytes)
        this.#noteServed(bytes)
      },
      close: () => {
        for (const [peer, bytes] of servedTo) cache.noteServed(content.sha256, bytes, peer)
        void reader.close()
      }
    }
  }

  /** What was served before the content was in the cache counts as a use of it once it is there. */
  #bookServedEarly(key: ContentKey): void {
    const { cache } = this.#world
    const content = cache.findByKey(key)
    if (content)
      for (const [peer, bytes] of this.#servedEarly.get(key) ?? []) cache.noteServed(content.sha256, bytes, peer)
    this.#servedEarly.delete(key)
  }

  #noteServed(bytes: number): void {
    this.#servedBytes += bytes
    this.#uploaded(bytes)
    this.#world.changed()
  }
}
