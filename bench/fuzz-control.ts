import { EventEmitter } from 'node:events'
import type { WebSocket } from 'ws'
import type { ClaimLink, ClaimLinkEvents, Claims } from '../src-main/claims/claims.ts'
import { createClaims } from '../src-main/claims/claims-service.ts'
import type { ContentKey, PeerId } from '../src-main/contract/ids.ts'
import type { ClaimMessage, PeerMessage } from '../src-main/contract/peer-messages.ts'
import type { Clock } from '../src-main/lib/clock.ts'
import { ControlChannel } from '../src-main/peers/control/control-channel.ts'

const self = '01'.repeat(32) as PeerId
const sender = 'f2'.repeat(32) as PeerId
const other = 'e3'.repeat(32) as PeerId
const key = `version:${'5a'.repeat(32)}` as ContentKey
const credential = { spki: 'A'.repeat(120), proof: 'B'.repeat(43) }
const masters = [{ epoch: 1, master: other }]

/** One of each message there is, and the hello. */
export function controlSeeds(): Buffer[] {
  const messages: (PeerMessage | object)[] = [
    { t: 'hello', name: 'pc-2', version: '0.1.0', port: 4000, weight: 50 },
    {
      t: 'claim.put',
      key,
      role: 'seeking',
      pieces: 1,
      pieceCount: 100,
      bytes: 5,
      weight: 50,
      about: 'desktop',
      eligible: true,
      epoch: 1,
      master: other,
      masters
    },
    {
      t: 'claim.put',
      key,
      role: 'holding',
      pieces: 100,
      pieceCount: 100,
      bytes: 5,
      weight: 0,
      eligible: false,
      epoch: 0,
      master: null,
      masters: []
    },
    { t: 'kept.ask', source: 'ab'.repeat(32) },
    { t: 'kept.have', source: 'ab'.repeat(32), version: null },
    {
      t: 'kept.have',
      source: 'ab'.repeat(32),
      version: { etag: '"v1"', lastModified: 'Mon, 01 Jan 2024 00:00:00 GMT', lengthBytes: 5 }
    },
    { t: 'claim.close', key },
    { t: 'claim.report', key, epoch: 1, problem: 'stalled' },
    { t: 'claim.resign', key, epoch: 1, why: 'origin-error', brokeOff: true },
    { t: 'claim.ask', key, soon: true },
    { t: 'claim.holding', key, pieces: 100, complete: true },
    {
      t: 'claim.decision',
      key,
      epoch: 2,
      master: other,
      leaseMs: 5000,
      holders: [{ id: other, complete: true }],
      masters,
      candidates: [{ id: other, pieces: 1, weight: 50, eligible: true }],
      why: 'it has most pieces',
      brokenOff: 2
    },
    { t: 'swarm.join', key, waits: true },
    { t: 'swarm.have', key, lengthBytes: 1_000_000, map: 'pQ==', complete: false, signers: [credential] },
    { t: 'swarm.got', key, pieces: [1, 2, 3], signers: [credential] },
    { t: 'swarm.progress', key, bytes: 77, brokeOff: true },
    { t: 'swarm.have', key, lengthBytes: 1_000_000, map: '', complete: true, root: 'ab'.repeat(32), signers: [] },
    { t: 'swarm.askDigests', key, first: 3 },
    { t: 'swarm.digests', key, first: 3, digests: Buffer.alloc(64, 5).toString('base64') },
    { t: 'swarm.leave', key },
    { t: 'evidence', key, record: 'A'.repeat(182), signer: credential },
    { t: 'check', key, is: 'begun' },
    { t: 'check', key, is: 'over' },
    { t: 'fleet.denied', number: 3 },
    { t: 'fleet.recalled', number: 3, list: 'AAAA' }
  ]
  return messages.map((message) => Buffer.from(JSON.stringify(message)))
}

/** As much of `ws` as a control channel uses. */
class DeafSocket extends EventEmitter {
  readonly bufferedAmount = 0
  send(): void {}
  ping(): void {}
  close(): void {}
  terminate(): void {}
}

/** A clock that only the fuzzer moves; without timers that would keep anything alive. */
class StepClock implements Clock {
  #nowMs = 0
  #timers = new Map<number, { atMs: number; everyMs: number | null; fn: () => void }>()
  #lastTimer = 0

  wallMs(): number {
    return this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  after(ms: number, fn: () => void) {
    return this.#add(ms, null, fn)
  }

  every(ms: number, fn: () => void) {
    return this.#add(ms, ms, fn)
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.size
  }

  pass(ms: number): void {
    this.#nowMs += ms
    for (const [id, timer] of [...this.#timers]) {
      if (timer.atMs > this.#nowMs || !this.#timers.has(id)) continue
      if (timer.everyMs === null) this.#timers.delete(id)
      else timer.atMs = this.#nowMs + timer.everyMs
      timer.fn()
    }
  }

  #add(ms: number, everyMs: number | null, fn: () => void) {
    const id = ++this.#lastTimer
    this.#timers.set(id, { atMs: this.#nowMs + ms, everyMs, fn })
    return { cancel: () => void this.#timers.delete(id) }
  }
}

class OneMemberLink extends EventEmitter<ClaimLinkEvents> implements ClaimLink {
  readonly self = self
  members(): readonly PeerId[] {
    return [sender]
  }
  send(): boolean {
    return true
  }
  isBanned(): boolean {
    return false
  }
}

/** More than this is set only when something is never cleared. */
const MOST_TIMERS = 60_000

/** A proven member's end of a control connection with real claims behind it: what gets through the channel reaches them. */
export class ControlVictim {
  readonly #clock = new StepClock()
  readonly #link = new OneMemberLink()
  readonly #claims: Claims
  #socket = new DeafSocket()
  #channel: ControlChannel | null = null
  #taken = 0

  constructor() {
    this.#claims = createClaims({
      link: this.#link,
      clock: this.#clock,
      settings: { windowMs: 50, settleMs: 0, leaseMs: 5000 },
      holdings: () => ({ pieces: 3, complete: false })
    })
    this.#claims.start()
    this.#claims.open({ key, pieceCount: 100, pieces: 3, weight: 50, eligible: true })
  }

  take(bytes: Buffer): void {
    if (this.#channel === null || this.#channel.ended) this.#connect()
    this.#socket.emit('message', bytes, false)
    this.#clock.pass(1)
    if (++this.#taken % 1000 === 0) this.#check()
  }

  #connect(): void {
    this.#socket = new DeafSocket()
    this.#channel = new ControlChannel(this.#socket as unknown as WebSocket, this.#clock)
    this.#channel.on('message', (message) => {
      if (message.t.startsWith('claim.')) this.#link.emit('message', sender, message as ClaimMessage)
    })
    this.#channel.on('end', () => {
      this.#link.emit('lost', sender)
      this.#link.emit('joined', sender)
    })
    // Every second connection gets past the hello, so that messages are reached as well.
    if (this.#taken % 2 === 0) this.#socket.emit('message', controlSeeds()[0], false)
  }

  #check(): void {
    if (this.#clock.pending > MOST_TIMERS) throw new Error(`${this.#clock.pending} timers are set`)
    for (const view of this.#claims.view()) if (view.candidates.length > 256) throw new Error('a table without bounds')
  }
}
