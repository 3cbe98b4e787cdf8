// Why it is like this: docs/decisions/0086-a-hub-may-keep-what-peers-bring.md
import type { FromHub, HubKept, ToHub } from '../contract/hub-messages.ts'
import type { HubDepositView } from '../contract/hub-view.ts'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { Credential } from '../contract/peer-messages.ts'
import type { Clock } from '../lib/clock.ts'
import { keepLatest } from '../lib/keep-latest.ts'
import type { DepositIntake, DepositShelf, PeerNetwork, ReceivedPiece, ServedContent } from '../peers/network.ts'
import type { RecordVerifier } from '../pieces/record.ts'
import type { PieceBuffer } from '../pieces/piece-buffers.ts'
import { chooseBringer, type Wanted } from './deposit.ts'
import { idOf, type DepositStore } from './deposit-store.ts'
import type { KeptContent, KeptName } from './kept-content.ts'

/** Runs that come in at the same time, and of one member. */
const MAX_INTAKES = 8
const MAX_INTAKES_EACH = 2
/** Contents that one member asks for, or brings, at the same time. */
const MAX_EACH = 256
const MAX_WANTED = 10_000
/** Members that brought something wrong; nothing more is taken from them in this run. */
const MAX_OFFENDERS = 1024

export type DepositMessage = Extract<ToHub, { t: 'hub.offer' | 'hub.moves' | 'hub.ask' }>

export interface DepositDeskWorld {
  readonly clock: Clock
  readonly store: DepositStore
  /** Whatever is downloaded is wanted, not only what is asked for. */
  readonly always: boolean
  readonly records: RecordVerifier
  readonly network: Pick<PeerNetwork, 'verifyCredential' | 'memberKey' | 'passOn'>
  /** The site of a member that is connected here and knows about deposits. */
  siteOf(id: PeerId): string | null
  /** Where it is. */
  placeOf(id: PeerId): string
  /** Who downloads it, and who has it all, the newest first. */
  sourcesOf(site: string, key: ContentKey): { master: PeerId | null; holders: readonly PeerId[] }
  /** Somebody claims it. */
  isClaimed(site: string, key: ContentKey): boolean
  send(to: PeerId, message: FromHub): void
  /** Nothing of it is there any more. */
  gone(site: string, key: ContentKey): void
  /** Something wrong was brought; a clause about who did. */
  onOffence(id: PeerId, reason: string): void
  changed(): void
}

/** What PCs bring to this hub for others, and what others take: it keeps what it can check, and asks no origin for anything. */
export class DepositDesk implements DepositShelf {
  readonly #world: DepositDeskWorld
  /** By site and key: who was asked to bring it. */
  readonly #wanted = new Map<string, Wanted>()
  /** Asked for while nobody could bring it. */
  readonly #unmet = new Map<string, true>()
  /** By member and key: what it brings, and what it has asked for. */
  readonly #brought = new Map<PeerId, Map<ContentKey, KeptContent>>()
  readonly #asked = new Map<PeerId, Map<ContentKey, string>>()
  readonly #intakes = new Map<PeerId, number>()
  readonly #offenders = new Map<PeerId, true>()
  #broughtBytes = 0
  #takenBytes = 0
  #refused = 0

  constructor(world: DepositDeskWorld) {
    this.#world = world
    world.store.on('removed', ({ name: { site, key } }) => world.gone(site, key))
  }

  /** What is there of a content, of the fullest where it was brought under several names. */
  stateOf(site: string, key: ContentKey): { pieces: number; complete: boolean } | null {
    let best: KeptContent | null = null
    for (const kept of this.#world.store.of(site, key)) if (kept.have.count > (best?.have.count ?? 0)) best = kept
    return best && { pieces: best.have.count, complete: best.have.complete }
  }

  /** This one downloads it for the site, or has all of it. */
  noteSource(site: string, key: ContentKey, id: PeerId): void {
    // It may have given up bringing it while it was not complete: harmless to repeat.
    if (this.#wanted.get(whereOf(site, key))?.by === id) this.#world.send(id, { t: 'hub.bring', key })
    else if (this.#unmet.has(whereOf(site, key))) this.#want(site, key)
    else if (this.#world.always && !this.stateOf(site, key)?.complete) this.#want(site, key)
  }

  lost(id: PeerId): void {
    this.#asked.delete(id)
    this.#brought.delete(id)
    for (const [where, { by }] of this.#wanted) {
      if (by !== id) continue
      const [site, key] = JSON.parse(where) as [string, ContentKey]
      this.#want(site, key)
    }
  }

  message(from: PeerId, message: DepositMessage): void {
    const site = this.#world.siteOf(from)
    if (site === null) return
    switch (message.t) {
      case 'hub.offer':
        return void this.#offered(site, from, message)
      case 'hub.moves': {
        const kept = this.#brought.get(from)?.get(message.key)
        if (kept) this.#tell(kept, { pieces: [], bytes: message.bytes })
        return
      }
      case 'hub.ask':
        return this.#ask(site, from, message)
    }
  }

  async openServed(peer: PeerId, key: ContentKey): Promise<ServedContent | undefined> {
    const { store, clock, network } = this.#world
    const kept = store.get(this.#asked.get(peer)?.get(key) ?? '')
    if (!kept) return undefined
    kept.used(clock.wallMs())
    return {
      plan: kept.plan,
      // Whoever is believed no more signs nothing that others are to take.
      has: (index) => {
        const record = kept.record(index)
        return record !== undefined && network.memberKey(record.signer) !== undefined
      },
      record: (index) => kept.record(index)!,
      read: (index) => this.#read(kept, index),
      served: (_peer, bytes) => {
        this.#takenBytes += bytes
      },
      close: () => {}
    }
  }

  openIntake(peer: PeerId, key: ContentKey): DepositIntake | 'later' | undefined {
    const kept = this.#brought.get(peer)?.get(key)
    if (!kept || kept.removed || this.#offenders.has(peer)) return undefined
    const own = this.#intakes.get(peer) ?? 0
    const all = [...this.#intakes.values()].reduce((sum, n) => sum + n, 0)
    if (own >= MAX_INTAKES_EACH || all >= MAX_INTAKES) return 'later'
    this.#intakes.set(peer, own + 1)
    return {
      plan: kept.plan,
      take: (piece) => this.#take(kept, peer, piece),
      close: () => {
        const left = (this.#intakes.get(peer) ?? 1) - 1
        if (left === 0) this.#intakes.delete(peer)
        else this.#intakes.set(peer, left)
      }
    }
  }

  view(): HubDepositView {
    const { store } = this.#world
    const all = store.all()
    return {
      bytes: store.bytes,
      maxBytes: store.maxBytes,
      contents: all.length,
      complete: all.filter(({ have }) => have.complete).length,
      broughtBytes: this.#broughtBytes,
      takenBytes: this.#takenBytes,
      displaced: store.displaced,
      refused: this.#refused,
      trouble: store.trouble
    }
  }

  async #offered(
    site: string,
    from: PeerId,
    { key, tag, lengthBytes, signers }: Extract<ToHub, { t: 'hub.offer' }>
  ): Promise<void> {
    const { store, clock } = this.#world
    const wanted = this.#wanted.get(whereOf(site, key))
    // The PC that offers it waits for an answer, and has others to bring.
    const decline = () => this.#sendNothing(from, key, lengthBytes, 'offer')
    // Nobody fills a deposit with what it was not asked for.
    if (wanted?.by !== from || this.#offenders.has(from)) return decline()
    const kept = await store.admit({ site, key, tag, lengthBytes }, this.#world.placeOf(from))
    if (!kept) {
      this.#refused++
      this.#wanted.delete(whereOf(site, key))
      decline()
      return this.#world.changed()
    }
    // It may have gone meanwhile.
    if (this.#world.siteOf(from) !== site || this.#offenders.has(from)) return
    this.#learn(kept, from, signers)
    const own = this.#brought.get(from) ?? new Map<ContentKey, KeptContent>()
    keepLatest(own, key, kept, MAX_EACH)
    this.#brought.set(from, own)
    kept.used(clock.wallMs())
    this.#sendMap(from, kept, 'offer')
    this.#world.changed()
  }

  #ask(site: string, from: PeerId, { key, tag, lengthBytes }: Extract<ToHub, { t: 'hub.ask' }>): void {
    if (!this.#world.isClaimed(site, key)) return
    const name: KeptName = { site, key, tag, lengthBytes }
    const own = this.#asked.get(from) ?? new Map<ContentKey, string>()
    keepLatest(own, key, idOf(name), MAX_EACH)
    this.#asked.set(from, own)
    const kept = this.#world.store.get(idOf(name))
    if (kept) this.#sendMap(from, kept, 'ask')
    else this.#sendNothing(from, key, lengthBytes, 'ask')
    // The PC that downloads it asks for what is there, not for what it would have to bring itself.
    const isMaster = this.#world.sourcesOf(site, key).master === from
    if (!kept?.have.complete && !isMaster) this.#want(site, key, from)
  }

  /** @param asker not asked to bring it */
  #want(site: string, key: ContentKey, asker?: PeerId): void {
    const { clock, siteOf, sourcesOf } = this.#world
    const where = whereOf(site, key)
    const by = chooseBringer(
      this.#wanted.get(where) ?? null,
      {
        ...sourcesOf(site, key),
        usable: (id) => id !== asker && siteOf(id) === site && !this.#offenders.has(id)
      },
      clock.monotonicMs()
    )
    if (by === null) {
      // Harmless where it is brought; the one that was asked may have given it up.
      const asked = this.#wanted.get(where)?.by
      if (asked !== undefined && asked !== asker) this.#world.send(asked, { t: 'hub.bring', key })
      return keepLatest(this.#unmet, where, true, MAX_WANTED)
    }
    this.#unmet.delete(where)
    keepLatest(this.#wanted, where, { by, movedMs: clock.monotonicMs() }, MAX_WANTED)
    this.#world.send(by, { t: 'hub.bring', key })
  }

  async #read(kept: KeptContent, index: number): Promise<PieceBuffer> {
    try {
      return await kept.read(index)
    } catch (error) {
      // Whoever counts on all of it is to look elsewhere.
      if (error instanceof RangeError) this.#world.gone(kept.name.site, kept.name.key)
      else await this.#world.store.noteFailure(kept, error)
      throw error
    }
  }

  async #take(kept: KeptContent, from: PeerId, { record, data }: ReceivedPiece): Promise<string | null> {
    const { store, records, network, clock } = this.#world
    const { site, key, tag } = kept.name
    if (kept.removed) return null
    if (!kept.have.has(record.index)) {
      const spki = kept.signers.has(record.signer) ? network.memberKey(record.signer) : undefined
      if (!spki) return this.#putOff(kept, from, `piece ${record.index} is signed by nobody this hub believes`)
      if (!records.verify(Buffer.from(tag.slice(0, 64), 'hex'), record, spki))
        return this.#offends(from, `brought piece ${record.index} with a forged record`)
      try {
        if (!(await kept.write(data, record)))
          return this.#offends(from, `brought damaged bytes for piece ${record.index}`)
      } catch (error) {
        await store.noteFailure(kept, error)
        throw error
      }
      this.#broughtBytes += data.length
      this.#tell(kept, { pieces: [record.index] })
    }
    kept.used(clock.wallMs())
    const where = whereOf(site, key)
    if (kept.have.complete) this.#wanted.delete(where)
    else if (this.#wanted.get(where)?.by === from) this.#wanted.set(where, { by: from, movedMs: clock.monotonicMs() })
    if (kept.have.complete) this.#world.changed()
    return null
  }

  /** It need not know better: a member may have been expelled a moment ago, or more have signed than are kept. Another one is asked first. */
  #putOff({ name: { site, key } }: KeptContent, from: PeerId, reason: string): string {
    this.#brought.get(from)?.delete(key)
    const where = whereOf(site, key)
    if (this.#wanted.get(where)?.by === from) this.#wanted.set(where, { by: from, movedMs: -Infinity })
    return reason
  }

  #offends(id: PeerId, reason: string): string {
    keepLatest(this.#offenders, id, true, MAX_OFFENDERS)
    this.#brought.delete(id)
    this.#world.onOffence(id, reason)
    for (const [where, { by }] of this.#wanted) if (by === id) this.#wanted.delete(where)
    return reason
  }

  #learn(kept: KeptContent, from: PeerId, credentials: readonly Credential[]): void {
    const added: PeerId[] = []
    for (const credential of credentials) {
      const member = this.#world.network.verifyCredential(credential, from)
      if (member && !kept.signers.has(member.id) && kept.addSigner(member.id, credential)) added.push(member.id)
    }
    if (added.length === 0) return
    this.#tell(kept, { pieces: [], signers: this.#shown(kept, added) })
    void this.#world.store.noteSigners(kept).catch((error: unknown) => this.#world.store.noteTrouble(error))
  }

  #tell(kept: KeptContent, news: { pieces: number[]; signers?: Credential[]; bytes?: number }): void {
    for (const [id, keys] of this.#asked)
      if (keys.get(kept.name.key) === kept.id) this.#world.send(id, { t: 'hub.came', key: kept.name.key, ...news })
  }

  #sendMap(id: PeerId, kept: KeptContent, to: HubKept['to']): void {
    const { key, lengthBytes } = kept.name
    const signers = this.#shown(kept, [...kept.signers.keys()])
    this.#world.send(id, { t: 'hub.kept', to, key, lengthBytes, map: kept.have.toBase64(), signers })
  }

  #sendNothing(id: PeerId, key: ContentKey, lengthBytes: number, to: HubKept['to']): void {
    this.#world.send(id, { t: 'hub.kept', to, key, lengthBytes, map: '', signers: [] })
  }

  /** Credentials of those who are believed; they may have been read from disk. */
  #shown(kept: KeptContent, ids: readonly PeerId[]): Credential[] {
    const { network } = this.#world
    return ids.flatMap((id) => {
      const credential = kept.signers.get(id)
      return credential && network.verifyCredential(credential, null) ? network.passOn(credential) : []
    })
  }
}

const whereOf = (site: string, key: ContentKey): string => JSON.stringify([site, key])
