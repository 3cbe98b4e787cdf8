// Why it is like this: docs/decisions/0046-who-waits-elsewhere-counts.md
import { EventEmitter } from 'node:events'
import type { PeerId, Sha256Hex } from '../contract/ids.ts'
import type { Credential, SwarmMessage } from '../contract/peer-messages.ts'
import { Bitmap } from '../lib/bitmap.ts'
import type { Timer } from '../lib/clock.ts'
import type { Job } from './job.ts'
import { merkleRoot } from '../pieces/merkle.ts'
import { digestsFrom, digestsOf } from './verify/piece-digests.ts'
import { Neighbours, type Neighbour } from './neighbours.ts'

/** News of pieces is gathered for this long; the first that only we can have goes at once. */
const GATHER_MS = 100
/** Of the last pieces everybody hears at once: somebody has nothing else to wait for. */
const LAST_PIECES = 4
const MAX_SIGNERS_PER_NEWS = 4
const MAX_SIGNERS_PER_MAP = 16
/** Credentials kept of those heard for one content; of what is here, its provenance names as many signers. */
const MAX_SIGNERS = 256

interface SwarmEvents {
  /** A neighbour has (more) pieces. */
  offered: [Neighbour]
  /** SHA-256 of pieces from an index on, as a complete holder says. */
  digests: [PeerId, number, Buffer]
  /** A neighbour has nothing of it, or no more. */
  left: [PeerId]
  /** The master says how many bytes it has received. */
  progress: [PeerId, number]
}

/** Who has what of one content, told and heard over the control connections. */
export class Swarm extends EventEmitter<SwarmEvents> {
  readonly neighbours: Neighbours
  readonly #job: Job
  /** Credentials heard from neighbours, by signer; every one of them was checked. */
  readonly #heard = new Map<PeerId, Credential>()
  readonly #asked = new Set<PeerId>()
  readonly #leftOut = new Set<PeerId>()
  /** Where it was begun in vain, as those say who did. */
  readonly #brokeOff = new Set<string>()
  #fresh: number[] = []
  #gather: Timer | null = null
  #muted = false
  #toldWaits = false
  #closed = false

  constructor(job: Job) {
    super()
    this.#job = job
    this.neighbours = new Neighbours(job.plan.count)
  }

  /** Asks a peer for its map and for news. Once per connection; harmless to repeat. */
  join(id: PeerId): void {
    if (this.#closed || this.#asked.has(id) || id === this.#job.world.network.self) return
    if (this.#job.world.network.isBanned(id, this.#job.key)) return
    if (this.#leavesOut(id)) return
    if (this.#ask(id)) {
      this.#asked.add(id)
      this.neighbours.meet(id)
    }
  }

  /** Tells everybody when somebody here begins or ceases to wait. */
  tellWhetherWaiting(): void {
    const waits = this.#job.ownPriority() === 'foreground'
    if (this.#closed || waits === this.#toldWaits) return
    this.#toldWaits = waits
    // Whoever has it all waits for nothing, and asks for nothing.
    if (this.#job.partial.have.complete) return
    for (const id of this.#asked) this.#ask(id)
  }

  /** Of its large answers none arrive: what it has is of no use here. It is told of ours all the same. */
  #leavesOut(id: PeerId): boolean {
    const isLeftOut = this.#job.world.leftOut?.includes(id) === true
    if (isLeftOut) this.#leftOut.add(id)
    return isLeftOut
  }

  /** Those who have something of it, as far as is known, and are asked for nothing because none of their large answers arrive. */
  get leftOut(): PeerId[] {
    return [...this.#leftOut].filter((id) => this.#job.world.leftOut?.view(id) !== undefined)
  }

  #ask(id: PeerId): boolean {
    return this.#job.world.network.send(id, {
      t: 'swarm.join',
      key: this.#job.key,
      ...(this.#toldWaits && { waits: true })
    })
  }

  /** Neighbours that were asked but have not answered yet. */
  get unanswered(): number {
    let n = 0
    for (const neighbour of this.neighbours.all()) if (neighbour.offered === null && this.#asked.has(neighbour.id)) n++
    return n
  }

  handle(from: PeerId, message: SwarmMessage): void {
    if (this.#closed || this.#job.world.network.isBanned(from, this.#job.key)) return
    switch (message.t) {
      case 'swarm.join': {
        const neighbour = this.neighbours.meet(from)
        neighbour.subscribed = true
        neighbour.waits = message.waits === true
        this.#sendMap(from)
        // Of a content of one piece it has none, or it would not ask.
        if (!this.#job.partial.have.complete && this.#job.plan.count > 1) this.join(from)
        return
      }
      case 'swarm.have': {
        if (message.lengthBytes !== this.#job.plan.lengthBytes) return this.forget(from)
        const offered = message.complete
          ? Bitmap.full(this.#job.plan.count)
          : mapFrom(message.map, this.#job.plan.count)
        if (offered === null) return this.forget(from)
        return this.offer(from, offered, message)
      }
      case 'swarm.askDigests':
        if (this.#job.partial.have.complete && !this.#muted)
          this.#job.world.network.send(from, {
            t: 'swarm.digests',
            key: this.#job.key,
            first: message.first,
            digests: digestsFrom(digestsOf(this.#job), message.first)
          })
        return
      case 'swarm.digests':
        this.emit('digests', from, message.first, Buffer.from(message.digests, 'base64'))
        return
      case 'swarm.got': {
        return this.offerMore(from, message)
      }
      case 'swarm.progress':
        if (message.brokeOff === true) this.#brokeOff.add(this.#job.world.network.placeOf(from) ?? from)
        this.emit('progress', from, message.bytes)
        return
      case 'swarm.leave': {
        const neighbour = this.neighbours.get(from)
        if (!neighbour) return
        this.emit('left', from)
        neighbour.waits = false
        if (neighbour.subscribed) this.neighbours.setOffered(neighbour, new Bitmap(this.#job.plan.count))
        else this.forget(from)
        return
      }
    }
  }

  /** What it has, and the credentials of those who signed it. It need not be a peer: a deposit is asked and told elsewhere. */
  offer(
    id: PeerId,
    offered: Bitmap,
    { signers, root }: { readonly signers: readonly Credential[]; readonly root?: string | undefined }
  ): void {
    if (this.#closed || this.#job.world.network.isBanned(id, this.#job.key) || this.#leavesOut(id)) return
    this.#learn(id, signers)
    const neighbour = this.neighbours.meet(id)
    this.neighbours.setOffered(neighbour, offered)
    neighbour.root = root ?? null
    this.emit('offered', neighbour)
  }

  /** It has got more. */
  offerMore(
    id: PeerId,
    {
      pieces,
      signers = []
    }: { readonly pieces: readonly number[]; readonly signers?: readonly Credential[] | undefined }
  ): void {
    const neighbour = this.neighbours.get(id)
    if (this.#closed || !neighbour?.offered) return
    this.#learn(id, signers)
    this.neighbours.addOffered(neighbour, pieces)
    this.emit('offered', neighbour)
  }

  /** Credentials of those who signed what is here, this agent's own first. */
  signers(): Credential[] {
    const { partial, world } = this.#job
    const ids = new Set([...partial.have].map((index) => partial.record(index)!.signer))
    ids.delete(world.network.self)
    const others = [...ids].map((id) => this.#credentialOf(id)).filter((one) => one !== undefined)
    return [...(world.network.credential ? [world.network.credential] : []), ...others]
  }

  /**
   * Tells subscribers that a piece is here, unless they have it by then: what everybody takes from the master at the same
   * moment need not be told by each to each.
   * @param unique nobody else has it yet
   */
  announce(index: number, unique: boolean): void {
    this.#fresh.push(index)
    const { plan, partial } = this.#job
    if (plan.count - partial.have.count < LAST_PIECES) return this.#flush()
    if (this.#gather !== null) return
    if (unique) this.#flush()
    this.#gather = this.#job.world.clock.after(GATHER_MS, () => {
      this.#gather = null
      this.#flush()
    })
  }

  /** Tells subscribers how many bytes have come from the origin. */
  announceProgress(bytes: number): void {
    for (const n of this.neighbours.all())
      if (n.subscribed) this.#job.world.network.send(n.id, { t: 'swarm.progress', key: this.#job.key, bytes })
  }

  /** Tells everybody that the origin broke off and cannot go on from there. */
  announceBrokeOff(bytes: number): void {
    for (const { id } of this.neighbours.all())
      this.#job.world.network.send(id, { t: 'swarm.progress', key: this.#job.key, bytes, brokeOff: true })
  }

  /** At how many places it was begun in vain. Identities cost nothing, addresses do. */
  get brokeOffAt(): number {
    return this.#brokeOff.size
  }

  /** Pieces were dropped: everybody gets the whole map again. */
  announceLoss(): void {
    this.#fresh = []
    for (const n of this.neighbours.all()) if (n.subscribed) this.#sendMap(n.id)
  }

  /** Has nothing to offer while muted, whatever is here. What others offer is heard all the same. */
  mute(muted: boolean): void {
    if (this.#closed || this.#muted === muted) return
    this.#muted = muted
    this.announceLoss()
  }

  /** Credential of a signer, to be kept beside the pieces it signed. */
  credential(signer: PeerId): Credential | undefined {
    return this.#heard.get(signer)
  }

  /** What it offers is of no use at present; it may be asked again. It is told of our pieces all the same if it wants to be. */
  disregard(id: PeerId): void {
    const neighbour = this.neighbours.get(id)
    if (!neighbour?.subscribed) return this.forget(id)
    this.neighbours.withdraw(neighbour)
    this.#asked.delete(id)
  }

  /** The peer is gone, or has nothing to do with this content; it may be met again. */
  forget(id: PeerId): void {
    this.neighbours.leave(id)
    this.#asked.delete(id)
  }

  /** Says goodbye and stops telling. */
  close(): void {
    if (this.#closed) return
    this.#flush()
    this.#closed = true
    this.#gather?.cancel()
    for (const n of this.neighbours.all()) this.#job.world.network.send(n.id, { t: 'swarm.leave', key: this.#job.key })
  }

  #flush(): void {
    if (this.#fresh.length === 0 || this.#closed) return
    const fresh = this.#fresh.splice(0)
    if (this.#muted) return
    for (const n of this.neighbours.all()) {
      const pieces = n.subscribed ? fresh.filter((i) => !n.offered?.has(i)) : []
      if (pieces.length === 0) continue
      const signers = [
        ...new Set(pieces.map((i) => this.#job.partial.record(i)?.signer).filter((s) => s !== undefined))
      ]
      for (let at = 0; at < pieces.length; at += 4096)
        this.#job.world.network.send(n.id, {
          t: 'swarm.got',
          key: this.#job.key,
          pieces: pieces.slice(at, at + 4096),
          ...this.#introductions(n, signers)
        })
    }
  }

  /** Credentials this neighbour has not been sent yet. */
  #introductions(n: Neighbour, signers: readonly PeerId[]): { signers?: Credential[] } {
    const unknown = signers.filter((s) => !n.credentialsSent.has(s)).slice(0, MAX_SIGNERS_PER_NEWS)
    const credentials = unknown.map((s) => this.#credentialOf(s)).filter((c) => c !== undefined)
    for (const s of unknown) n.credentialsSent.add(s)
    return credentials.length > 0 ? { signers: credentials } : {}
  }

  #sendMap(to: PeerId): void {
    const { partial, plan, world, key } = this.#job
    if (this.#muted) return void world.network.send(to, { t: 'swarm.leave', key })
    // Our own as well: once complete, this agent vouches for the pieces itself.
    const introducesItself = world.network.credential && (partial.have.count > 0 || plan.count > 1)
    const signers = new Map<PeerId, Credential>(
      introducesItself ? [[world.network.self, world.network.credential!]] : []
    )
    for (const i of partial.have) {
      const signer = partial.record(i)?.signer
      if (signer === undefined || signers.has(signer)) continue
      const credential = this.#credentialOf(signer)
      if (credential) signers.set(signer, credential)
      if (signers.size === MAX_SIGNERS_PER_MAP) break
    }
    const neighbour = this.neighbours.get(to)
    for (const s of signers.keys()) neighbour?.credentialsSent.add(s)
    const complete = partial.have.complete
    world.network.send(to, {
      t: 'swarm.have',
      key,
      lengthBytes: plan.lengthBytes,
      map: complete ? '' : partial.have.toBase64(),
      complete,
      ...(complete &&
        key.startsWith('version:') && { root: merkleRoot(digestsOf(this.#job)).toString('hex') as Sha256Hex }),
      signers: [...signers.values()]
    })
  }

  #credentialOf(signer: PeerId): Credential | undefined {
    if (signer === this.#job.world.network.self) return this.#job.world.network.credential ?? undefined
    const known = this.#heard.get(signer) ?? this.#job.partial.credentials.get(signer)
    return known && this.#job.world.network.passOn(known)
  }

  #learn(from: PeerId, credentials: readonly Credential[]): void {
    for (const credential of credentials) {
      const member = this.#job.world.network.verifyCredential(credential, from)
      if (!member) continue
      this.#heard.set(member.id, credential)
    }
    if (this.#heard.size > MAX_SIGNERS) this.#forgetSigners(this.#heard.size - MAX_SIGNERS)
  }

  /** The first of whom nothing is here; then the first who signed something. */
  #forgetSigners(count: number): void {
    const { partial } = this.#job
    const signers = new Set([...partial.have].map((index) => partial.record(index)?.signer))
    const known = [...this.#heard.keys()]
    const idleFirst = [...known.filter((id) => !signers.has(id)), ...known.filter((id) => signers.has(id))]
    for (const id of idleFirst.slice(0, count)) this.#heard.delete(id)
  }
}

/** A piece map as it travels. @returns null when it does not fit the content */
export function mapFrom(base64: string, pieceCount: number): Bitmap | null {
  const bytes = Buffer.from(base64, 'base64')
  return bytes.length === Math.ceil(pieceCount / 8) ? new Bitmap(pieceCount, bytes) : null
}
