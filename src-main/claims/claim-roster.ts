import type { PeerId } from '../contract/ids.ts'
import type { ClaimPut } from '../contract/peer-messages.ts'
import type { Candidate } from './election.ts'
import type { ListedHolder } from './ring-of-holders.ts'

/** Most claimants of one content that a coordinator keeps; further ones are told who is master, but are not candidates. */
export const MAX_CLAIMANTS = 256

/** Somebody with a claim on the content. */
export interface Claimant extends Candidate {
  role: Candidate['role']
  pieces: number
  weight: number
  eligible: boolean
  about?: string | undefined
  /** Its lease ran out; not electable until it is heard again. */
  silent: boolean
  /** Followers could not use it as master; elected only when there is nobody else. */
  reported: boolean
  /** Revisions of the mastership and of this roster that it was told. */
  toldMajor: number
  toldMinor: number
}

/** Who takes part in one content and what they have of it: claimants, and members without a claim that hold something. */
export class ClaimRoster {
  readonly #claimants = new Map<PeerId, Claimant>()
  /** Members without a claim that answered `claim.ask`. */
  readonly #answered = new Map<PeerId, { complete: boolean }>()
  /** Complete holders that followers could not use. */
  readonly #suspects = new Set<PeerId>()
  /** Members that were asked what they hold and are yet to answer. */
  readonly #awaited = new Set<PeerId>()
  #revision = 0
  #completeRevision = 0
  /** Gone without being news. */
  #leftQuietly = 0

  /** Counts changes of the holders. */
  get revision(): number {
    return this.#revision
  }

  /** Counts changes of those that have it all. */
  get completeRevision(): number {
    return this.#completeRevision
  }

  /** The same as before: so is what {@link listed} gives. */
  get listing(): number {
    return this.#revision + this.#leftQuietly
  }

  get claimantCount(): number {
    return this.#claimants.size
  }

  /** Agents in the swarm: claimants, and members that answered that they hold something. */
  get memberCount(): number {
    return this.#claimants.size + this.#answered.size
  }

  /** The claimant, if it is one. */
  get(id: PeerId): Claimant | undefined {
    return this.#claimants.get(id)
  }

  /** Some that were asked what they hold are yet to answer. */
  get awaitsAnswers(): boolean {
    return this.#awaited.size > 0
  }

  claimants(): IterableIterator<Claimant> {
    return this.#claimants.values()
  }

  /** It has a claim, or holds something. */
  knows(id: PeerId): boolean {
    return this.#claimants.has(id) || this.#answered.has(id)
  }

  /** Takes over what a claim says, of a new claimant too. @returns undefined when there is no room for another one */
  put(id: PeerId, put: ClaimPut): { claimant: Claimant; holdersChanged: boolean } | undefined {
    const known = this.#claimants.get(id)
    if (!known && this.#claimants.size >= MAX_CLAIMANTS) return undefined
    const claimant = known ?? this.#add(id, put.role)
    const completeChanged = (known?.role === 'holding') !== (put.role === 'holding')
    const holdersChanged = !known || completeChanged
    if (holdersChanged) this.#changed(completeChanged)
    claimant.role = put.role
    claimant.pieces = Math.min(put.pieces, put.pieceCount)
    claimant.weight = put.weight
    claimant.about = put.about
    claimant.eligible = put.eligible
    claimant.silent = false
    return { claimant, holdersChanged }
  }

  /** Its claim is gone. @param as `known`: nobody needs to hear of it */
  delete(id: PeerId, as: 'news' | 'known'): void {
    const wasComplete = this.#claimants.get(id)?.role === 'holding'
    if (!this.#claimants.delete(id)) return
    if (as === 'news') this.#changed(wasComplete)
    else this.#leftQuietly++
  }

  /** Its connection is gone: nothing that it had is of use. */
  lose(id: PeerId): void {
    this.delete(id, 'news')
    const answered = this.#answered.get(id)
    if (this.#answered.delete(id)) this.#changed(answered!.complete)
    this.#suspects.delete(id)
  }

  /** A member without a claim was asked what it holds. */
  await(id: PeerId): void {
    if (!this.#claimants.has(id)) this.#awaited.add(id)
  }

  /** Nobody waits for the answer of this one any more. @returns false when nobody did */
  giveUp(id: PeerId): boolean {
    return this.#awaited.delete(id)
  }

  /** Nobody waits for answers any more. @returns those who owe one */
  giveUpAll(): PeerId[] {
    const silent = [...this.#awaited]
    this.#awaited.clear()
    return silent
  }

  /** What a member without a claim holds. @returns what that changes: whom to ask for the whole, at least whose answer is awaited, or nothing */
  answered(id: PeerId, pieces: number, complete: boolean): 'holders' | 'awaited' | 'nothing' {
    if (this.#claimants.has(id)) return 'nothing'
    const wasAwaited = this.#awaited.delete(id)
    const known = this.#answered.get(id)
    if (pieces === 0 && !complete) this.#answered.delete(id)
    else if (known === undefined && this.#answered.size >= MAX_CLAIMANTS) return 'nothing'
    else this.#answered.set(id, { complete })
    if (known?.complete === this.#answered.get(id)?.complete) return wasAwaited ? 'awaited' : 'nothing'
    this.#changed(true)
    return 'holders'
  }

  /** None of those that have it all was of use. */
  suspectHolders(): void {
    for (const id of this.completeHolders()) this.#suspects.add(id)
    this.#changed(true)
  }

  /** Those that have it all and are not suspected. */
  completeHolders(): PeerId[] {
    const ids: PeerId[] = []
    for (const { id, complete } of this.listed()) if (complete) ids.push(id)
    return ids
  }

  /** Everybody, as other agents are told of them. */
  *listed(): Generator<ListedHolder> {
    for (const c of this.#claimants.values())
      yield { id: c.id, complete: c.role === 'holding' && !this.#suspects.has(c.id) }
    for (const [id, { complete }] of this.#answered) yield { id, complete: complete && !this.#suspects.has(id) }
  }

  /** Members without a claim, and claimants that have it all. */
  *listedWithPieces(): Generator<ListedHolder> {
    for (const one of this.listed()) if (one.complete || !this.#claimants.has(one.id)) yield one
  }

  #changed(complete: boolean): void {
    this.#revision++
    if (complete) this.#completeRevision++
  }

  #add(id: PeerId, role: Candidate['role']): Claimant {
    const claimant: Claimant = {
      id,
      role,
      pieces: 0,
      weight: 0,
      eligible: false,
      silent: false,
      reported: false,
      toldMajor: -1,
      toldMinor: -1
    }
    this.#claimants.set(id, claimant)
    this.#answered.delete(id)
    this.#awaited.delete(id)
    return claimant
  }
}
