import type { ContentKey, PeerId } from '../../contract/ids.ts'
import type { PeerState, PeerView } from '../../contract/snapshot.ts'
import type { Clock } from '../../lib/clock.ts'
import { subnetOf } from '../../lib/subnet.ts'

/** How long a peer that is refused or lost stays visible. */
export const FORGET_AFTER_MS = 600_000
/** Peers remembered; beyond it the one that changed longest ago and is not connected is forgotten. */
const MAX_PEERS = 4096
/** Strangers remembered, by address: they need no key to appear here. */
const MAX_STRANGERS = 64
const MAX_BANS_PER_PEER = 1024

interface Entry {
  readonly id: PeerId | null
  name: string
  address: string
  state: PeerState
  reason: string | null
  weight: number | null
  version: string | null
  far: boolean
  /** Wall clock of the last change of state, for display. */
  since: number
  /** Monotonic time of the same. */
  changedMs: number
  receivedBytes: number
  servedBytes: number
  bans: Map<ContentKey, string>
}

/** What is known about others: state, totals, bans. Decides nothing. */
export class PeerTable {
  readonly #clock: Clock
  readonly #changed: () => void
  readonly #peers = new Map<PeerId, Entry>()
  readonly #strangers = new Map<string, Entry>()
  /** Folded name → who has it. */
  readonly #namesakes = new Map<string, Set<PeerId>>()

  /** @param own this PC's own name: a peer that has it too is to be told from it */
  constructor(clock: Clock, changed: () => void, own?: { id: PeerId; name: string }) {
    this.#clock = clock
    this.#changed = changed
    if (own) this.#rename(own.id, '', own.name)
  }

  /** The name of a peer as people can tell it from others: with its address, or else a part of its id, where another one has the same. */
  nameOf(id: PeerId): string {
    const entry = this.#peers.get(id)
    return entry ? this.#shownName(entry) : id.slice(0, 8)
  }

  /** Notes what a peer does now. `facts` overwrite what was known. */
  set(
    id: PeerId,
    state: PeerState,
    reason: string | null,
    facts: { address?: string; name?: string; weight?: number; version?: string; far?: boolean } = {}
  ): void {
    const entry = this.#entry(id)
    const {
      address = entry.address,
      name = entry.name,
      weight = entry.weight,
      version = entry.version,
      far = entry.far
    } = facts
    if (
      entry.state === state &&
      entry.reason === reason &&
      entry.address === address &&
      entry.name === name &&
      entry.weight === weight &&
      entry.version === version &&
      entry.far === far
    )
      return
    if (entry.name !== name) this.#rename(id, entry.name, name)
    Object.assign(entry, { address, name, weight, version, far, reason })
    if (entry.state !== state) this.#stamp(entry, state)
    this.#changed()
  }

  /** Notes somebody without a proven identity. @returns false when the same was noted recently */
  refuseStranger(address: string, reason: string): boolean {
    this.#expire()
    const known = this.#strangers.get(address)
    const news = known?.reason !== reason
    const entry = known ?? newEntry(null, address)
    entry.reason = reason
    if (news) this.#stamp(entry, 'refused')
    this.#strangers.delete(address)
    this.#strangers.set(address, entry)
    if (this.#strangers.size > MAX_STRANGERS) this.#strangers.delete(this.#strangers.keys().next().value!)
    if (news) this.#changed()
    return news
  }

  received(id: PeerId, bytes: number): void {
    this.#entry(id).receivedBytes += bytes
  }

  served(id: PeerId, bytes: number): void {
    this.#entry(id).servedBytes += bytes
  }

  ban(id: PeerId, key: ContentKey, reason: string): void {
    const { bans } = this.#entry(id)
    bans.delete(key)
    bans.set(key, reason)
    if (bans.size > MAX_BANS_PER_PEER) bans.delete(bans.keys().next().value!)
    this.#changed()
  }

  isBanned(id: PeerId, key: ContentKey): boolean {
    return this.#peers.get(id)?.bans.has(key) ?? false
  }

  /** Connected peers first, then by name. */
  view(): PeerView[] {
    this.#expire()
    return [...this.#peers.values(), ...this.#strangers.values()]
      .map((entry) => ({ ...entry, name: this.#shownName(entry) }))
      .map(({ id, name, address, state, reason, weight, version, far, since, receivedBytes, servedBytes, bans }) => ({
        id,
        name,
        address,
        state,
        reason: reason ?? bans.values().next().value ?? null,
        weight,
        version,
        since,
        receivedBytes,
        servedBytes,
        banned: bans.size > 0,
        ...(far && { far, subnet: subnetOf(address) })
      }))
      .sort(
        (a, b) =>
          Number(b.state === 'connected') - Number(a.state === 'connected') ||
          a.name.localeCompare(b.name) ||
          a.address.localeCompare(b.address)
      )
  }

  /** Bans outlive their peer's presence; everything else about those long gone is forgotten. */
  #expire(): void {
    const before = this.#clock.monotonicMs() - FORGET_AFTER_MS
    for (const [address, entry] of this.#strangers) if (entry.changedMs <= before) this.#strangers.delete(address)
    for (const [id, { state, changedMs, bans }] of this.#peers) {
      if (state !== 'connected' && state !== 'connecting' && changedMs <= before && bans.size === 0) this.#forget(id)
    }
  }

  #shownName({ id, name, address }: Entry): string {
    if (id === null) return address
    if (name === '') return id.slice(0, 8)
    const namesakes = this.#namesakes.get(fold(name))
    if (!namesakes || namesakes.size < 2) return name
    const elsewhere = [...namesakes].every((other) => other === id || this.#peers.get(other)?.address !== address)
    return `${name} (${address !== '' && elsewhere ? address : id.slice(0, 8)})`
  }

  #rename(id: PeerId, before: string, after: string): void {
    const former = this.#namesakes.get(fold(before))
    former?.delete(id)
    if (former?.size === 0) this.#namesakes.delete(fold(before))
    if (after === '') return
    const namesakes = this.#namesakes.get(fold(after)) ?? new Set()
    this.#namesakes.set(fold(after), namesakes.add(id))
  }

  #forget(id: PeerId): void {
    this.#rename(id, this.#peers.get(id)?.name ?? '', '')
    this.#peers.delete(id)
  }

  #entry(id: PeerId): Entry {
    let entry = this.#peers.get(id)
    if (!entry) {
      entry = newEntry(id, '')
      this.#stamp(entry, 'seen')
      this.#peers.set(id, entry)
      if (this.#peers.size > MAX_PEERS) this.#forgetOne(id)
    }
    return entry
  }

  #forgetOne(except: PeerId): void {
    let oldest: Entry | undefined
    for (const entry of this.#peers.values()) {
      if (entry.id === except || entry.state === 'connected') continue
      if (!oldest || entry.changedMs < oldest.changedMs) oldest = entry
    }
    if (oldest?.id) this.#forget(oldest.id)
  }

  #stamp(entry: Entry, state: PeerState): void {
    entry.state = state
    entry.since = this.#clock.wallMs()
    entry.changedMs = this.#clock.monotonicMs()
  }
}

/** Host names differ in more than the case of their letters. */
function fold(name: string): string {
  return name.toLowerCase()
}

function newEntry(id: PeerId | null, address: string): Entry {
  return {
    id,
    name: '',
    address,
    state: 'seen',
    reason: null,
    weight: null,
    version: null,
    far: false,
    since: 0,
    changedMs: 0,
    receivedBytes: 0,
    servedBytes: 0,
    bans: new Map()
  }
}
