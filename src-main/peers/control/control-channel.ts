import { EventEmitter } from 'node:events'
import type { WebSocket } from 'ws'
import {
  ControlMessage,
  MAX_PEER_MESSAGE_BYTES,
  type FleetMessage,
  type PeerMessage
} from '../../contract/peer-messages.ts'
import type { Clock, Timer } from '../../lib/clock.ts'
import type { Corkable } from '../../lib/gathered-writes.ts'
import { Attention, Heartbeat } from './heartbeat.ts'
import { CLOSE, Hello, MAX_HELLO_BYTES } from './hello.ts'
import { Intake } from './intake.ts'
import { Outbox, Unread } from './outbox.ts'

/** Most time between the upgrade and the hello. */
const HELLO_MS = 10_000
const ANSWERS_NOW_MS = 1000
/** A peer that sends more is not read for this long, again and again. */
const UNREAD_FOR_MS = 100
const UNREAD_WHEN_CROWDED_MS = 500

/** Why a channel ended. `offence`: the peer broke the protocol. `goodbye`: it stopped on purpose. */
export interface ChannelEnd {
  readonly kind: 'lost' | 'goodbye' | 'offence' | 'closed'
  /** One clause for people, e.g. `was silent for 12 s`. */
  readonly reason: string
}

interface ChannelEvents {
  /** The first thing, and again when something in it has changed. */
  hello: [Hello]
  message: [PeerMessage]
  /** An answer to a ping. */
  pong: []
  fleet: [FleetMessage]
  /** It sends more than is taken; the rest is dropped. */
  flooded: []
  /** Once, at the end. */
  end: [ChannelEnd]
}

/**
 * One control connection after both sides have proved their membership: hello first, then messages in order, kept
 * alive by pings, watched for garbage and floods.
 */
export class ControlChannel extends EventEmitter<ChannelEvents> {
  readonly #ws: WebSocket
  readonly #clock: Clock
  readonly #heartbeat: Heartbeat
  readonly #helloLimit: Timer
  readonly #intake: ReturnType<Intake['ofPeer']>
  readonly #outbox: Outbox
  #deaf: Timer | undefined
  #greeted = false
  #ended = false

  /** @param shared with the channels to all other peers @param socket what `ws` writes to */
  constructor(
    ws: WebSocket,
    clock: Clock,
    { unread, intake, attention, random } = {
      unread: new Unread(),
      intake: new Intake(clock),
      attention: new Attention(),
      random: Math.random
    },
    socket?: Corkable
  ) {
    super()
    this.#ws = ws
    this.#clock = clock
    this.#intake = intake.ofPeer()
    const unreadable = () => this.#cut({ kind: 'lost', reason: 'did not read its messages' })
    this.#outbox = new Outbox(ws, clock, unread, unreadable, socket)
    this.#heartbeat = new Heartbeat(clock, attention, random(), {
      ping: () => ws.ping(),
      lost: (silentMs) =>
        this.#cut({ kind: 'lost', reason: silentMs === null ? 'did not answer' : silentFor(silentMs) })
    })
    this.#helloLimit = clock.after(HELLO_MS, () => this.#cut({ kind: 'lost', reason: 'did not say hello' }))
    ws.on('message', (data, binary) => this.#receive(data as Buffer, binary))
    ws.on('pong', () => {
      this.#heartbeat.heard()
      this.emit('pong')
    })
    ws.on('ping', () => this.#heartbeat.heard())
    ws.on('error', (error: Error & { code?: string }) => {
      if (error.code?.startsWith('WS_ERR')) this.#offend(`sent a broken frame (${error.message})`)
      else this.#end({ kind: 'lost', reason: `lost its connection (${error.code ?? error.message})` })
    })
    ws.on('close', (code, why) => this.#end(endOf(code, why.toString())))
  }

  get ended(): boolean {
    return this.#ended
  }

  sendHello(hello: Hello): void {
    if (!this.#ended) this.#outbox.send(JSON.stringify(hello))
  }

  /** @returns false when the channel has ended, or ends now because the peer does not read */
  send(message: ControlMessage): boolean {
    return !this.#ended && this.#outbox.send(JSON.stringify(message))
  }

  /** Makes sure the peer is still there: without a sign of life within a short time the channel ends. */
  probe(): void {
    if (!this.#ended) this.#heartbeat.probe()
  }

  /** Probes, and waits for the outcome. @returns false when the channel has ended instead */
  answers(): Promise<boolean> {
    if (this.#ended) return Promise.resolve(false)
    this.probe()
    return new Promise((resolve) => {
      const alive = (): void => settle(true)
      const dead = (): void => settle(false)
      const settle = (answer: boolean): void => {
        this.off('pong', alive)
        this.off('end', dead)
        resolve(answer)
      }
      this.on('pong', alive)
      this.on('end', dead)
    })
  }

  /** Whether a ping is answered within a second; nothing follows from it. */
  answersNow(): Promise<boolean> {
    if (this.#ended) return Promise.resolve(false)
    return new Promise((resolve) => {
      const settle = (answer: boolean): void => {
        limit.cancel()
        this.off('pong', alive)
        this.off('end', dead)
        resolve(answer)
      }
      const alive = (): void => settle(true)
      const dead = (): void => settle(false)
      const limit = this.#clock.after(ANSWERS_NOW_MS, dead)
      this.on('pong', alive)
      this.on('end', dead)
      this.#ws.ping()
    })
  }

  /** Ends on purpose; the peer is told why. */
  close(code: (typeof CLOSE)[keyof typeof CLOSE], reason: string): void {
    if (this.#ended) return
    this.#ws.close(code, reason.slice(0, 120))
    // The closing handshake is a courtesy; the state on this side ends now.
    this.#end({ kind: 'closed', reason })
    const timer = this.#clock.after(1000, () => this.#ws.terminate())
    this.#ws.once('close', () => timer.cancel())
  }

  /** Ends at once. */
  destroy(reason: string): void {
    this.#cut({ kind: 'closed', reason })
  }

  #restFrom(ms: number): void {
    if (this.#deaf) return
    this.#ws.pause()
    this.#deaf = this.#clock.after(ms, () => {
      this.#deaf = undefined
      // Not heard is not silent.
      this.#heartbeat.heard()
      this.#ws.resume()
    })
    this.emit('flooded')
  }

  #receive(data: Buffer, binary: boolean): void {
    if (this.#ended) return
    this.#heartbeat.heard()
    const verdict = this.#intake.take()
    // Never a reason to part: it may only pass on what somebody else began.
    if (verdict === 'drop') return this.#restFrom(UNREAD_FOR_MS)
    // Nothing of it is lost: what is sent meanwhile waits at its end.
    if (verdict === 'crowded') this.#restFrom(UNREAD_WHEN_CROWDED_MS)
    if (binary) return this.#offend('sent a binary frame')
    if (data.length > (this.#greeted ? MAX_PEER_MESSAGE_BYTES : MAX_HELLO_BYTES))
      return this.#offend(`sent a message of ${data.length} bytes`)
    let value: unknown
    try {
      value = JSON.parse(data.toString())
    } catch {
      return this.#offend('sent something that is not JSON')
    }
    if (!this.#greeted || isHello(value)) {
      const hello = Hello.safeParse(value)
      if (!hello.success) return this.#offend('did not begin with a hello this agent understands')
      this.#greeted = true
      this.#helloLimit.cancel()
      this.emit('hello', hello.data)
      return
    }
    const message = ControlMessage.safeParse(value)
    if (!message.success) return this.#offend('sent a message this agent does not understand')
    if (message.data.t === 'fleet.denied' || message.data.t === 'fleet.recalled') this.emit('fleet', message.data)
    else this.emit('message', message.data)
  }

  #offend(reason: string): void {
    if (this.#ended) return
    this.#ws.close(CLOSE.garbage, reason.slice(0, 120))
    this.#cut({ kind: 'offence', reason })
  }

  #cut(end: ChannelEnd): void {
    this.#end(end)
    this.#ws.terminate()
  }

  #end(end: ChannelEnd): void {
    if (this.#ended) return
    this.#ended = true
    this.#outbox.close()
    this.#deaf?.cancel()
    this.#heartbeat.end()
    this.#helloLimit.cancel()
    this.emit('end', end)
  }
}

function silentFor(ms: number): string {
  return `was silent for ${Math.round(ms / 1000)} s`
}

function isHello(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 't' in value && value.t === 'hello'
}

function endOf(code: number, why: string): ChannelEnd {
  switch (code) {
    case CLOSE.goodbye:
      return { kind: 'goodbye', reason: 'stopped' }
    case CLOSE.replaced:
      return { kind: 'closed', reason: 'connected again' }
    case CLOSE.expelled:
      return { kind: 'lost', reason: `closed the connection: this PC ${printableReason(why)}` }
    case CLOSE.full:
      return { kind: 'lost', reason: 'has no place for this PC now' }
    case CLOSE.unused:
      return { kind: 'closed', reason: 'has no more to exchange with this PC' }
    case CLOSE.garbage:
      return { kind: 'lost', reason: `closed the connection: this agent ${printableReason(why)}` }
    default:
      return { kind: 'lost', reason: 'lost its connection' }
  }
}

function printableReason(why: string): string {
  return why.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '').slice(0, 120) || 'broke the protocol'
}
