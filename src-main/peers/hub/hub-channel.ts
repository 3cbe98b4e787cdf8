import { EventEmitter } from 'node:events'
import type { WebSocket } from 'ws'
import type { z } from 'zod'
import { MAX_PEER_MESSAGE_BYTES } from '../../contract/peer-messages.ts'
import type { Clock, Timer } from '../../lib/clock.ts'
import { TokenBucket } from '../../lib/token-bucket.ts'
import { CLOSE } from '../control/hello.ts'
import { Outbox, Unread } from '../control/outbox.ts'

/** Proxies close what is silent for 60 s by default. */
const PING_MS = 20_000
/** One ping may go unanswered. */
const SILENCE_MS = 45_000
/** Messages that are taken from the other end. */
const HUB_MESSAGE_RATE = { burst: 2000, perSecond: 500 }
const UNREAD_FOR_MS = 100

interface HubChannelEvents<In> {
  message: [In]
  /** Once, at the end; a clause about the other end. */
  end: [string, 'lost' | 'offence']
}

/** One connection between an agent and a hub after both sides have proved their membership; the same at both ends but for what may come in. */
export class HubChannel<In, Out extends object> extends EventEmitter<HubChannelEvents<In>> {
  readonly #ws: WebSocket
  readonly #clock: Clock
  readonly #schema: z.ZodType<In>
  readonly #outbox: Outbox
  readonly #rate: TokenBucket
  readonly #pings: Timer
  #silence: Timer | undefined
  #deaf: Timer | undefined
  #heardMs: number
  #ended = false

  constructor(ws: WebSocket, clock: Clock, schema: z.ZodType<In>, unread = new Unread()) {
    super()
    this.#ws = ws
    this.#clock = clock
    this.#schema = schema
    this.#heardMs = clock.monotonicMs()
    this.#rate = new TokenBucket(clock, HUB_MESSAGE_RATE)
    this.#outbox = new Outbox(ws, clock, unread, () => this.#cut('did not read its messages', 'lost'))
    this.#pings = clock.every(PING_MS, () => ws.ping())
    this.#watchSilence(SILENCE_MS)
    ws.on('message', (data, binary) => this.#receive(data as Buffer, binary))
    ws.on('pong', () => this.#heard())
    ws.on('ping', () => this.#heard())
    ws.on('error', (error: Error & { code?: string }) =>
      error.code?.startsWith('WS_ERR')
        ? this.#cut(`sent a broken frame (${error.message})`, 'offence')
        : this.#cut(`lost its connection (${error.code ?? error.message})`, 'lost')
    )
    ws.on('close', (code) => this.#cut(code === CLOSE.goodbye ? 'stopped' : 'lost its connection', 'lost'))
  }

  get ended(): boolean {
    return this.#ended
  }

  /** @returns false when the channel has ended */
  send(message: Out): boolean {
    return !this.#ended && this.#outbox.send(JSON.stringify(message))
  }

  /** Ends on purpose; the other end is told. */
  close(reason: string): void {
    if (this.#ended) return
    this.#ws.close(CLOSE.goodbye, reason.slice(0, 120))
    const timer = this.#clock.after(1000, () => this.#ws.terminate())
    this.#ws.once('close', () => timer.cancel())
    this.#end(reason, 'lost')
  }

  #receive(data: Buffer, binary: boolean): void {
    if (this.#ended) return
    this.#heard()
    if (!this.#rate.take()) this.#rest()
    if (binary || data.length > MAX_PEER_MESSAGE_BYTES) return this.#cut('sent a frame no agent sends', 'offence')
    let value: unknown
    try {
      value = JSON.parse(data.toString())
    } catch {
      return this.#cut('sent something that is not JSON', 'offence')
    }
    const message = this.#schema.safeParse(value)
    if (!message.success) return this.#cut('sent a message this agent does not understand', 'offence')
    this.emit('message', message.data)
  }

  /** An agent that sends more than is taken is not read for a while; nothing is lost. */
  #rest(): void {
    if (this.#deaf) return
    this.#ws.pause()
    this.#deaf = this.#clock.after(UNREAD_FOR_MS, () => {
      this.#deaf = undefined
      this.#heard()
      this.#ws.resume()
    })
  }

  #heard(): void {
    this.#heardMs = this.#clock.monotonicMs()
  }

  #watchSilence(ms: number): void {
    this.#silence = this.#clock.after(ms, () => {
      const silentMs = this.#clock.monotonicMs() - this.#heardMs
      if (silentMs >= SILENCE_MS) this.#cut(`was silent for ${Math.round(silentMs / 1000)} s`, 'lost')
      else this.#watchSilence(SILENCE_MS - silentMs)
    })
  }

  #cut(reason: string, kind: 'lost' | 'offence'): void {
    if (!this.#ended) this.#ws.terminate()
    this.#end(reason, kind)
  }

  #end(reason: string, kind: 'lost' | 'offence'): void {
    if (this.#ended) return
    this.#ended = true
    this.#outbox.close()
    this.#pings.cancel()
    this.#silence?.cancel()
    this.#deaf?.cancel()
    this.emit('end', reason, kind)
  }
}
