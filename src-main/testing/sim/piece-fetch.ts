import type { ContentKey, PeerId } from '../../contract/ids.ts'
import type { Clock, Timer } from '../../lib/clock.ts'
import { LarderError } from '../../lib/errors.ts'
import type { UploadSlots, Slot } from '../../peers/exchange/upload-slots.ts'
import type { PieceSource, ReceivedPiece, ServedContent } from '../../peers/network.ts'
import type { PieceBuffers } from '../../pieces/piece-buffers.ts'
import { pieceLength, type PiecePlan } from '../../pieces/plan.ts'
import type { PieceRecord } from '../../pieces/record.ts'
import type { CpuCosts } from './cpu-costs.ts'
import type { Flow, FluidLink, FluidNetwork } from './fluid-network.ts'
import type { SimProcess } from './process.ts'
import type { Random } from './seeded-random.ts'
import { digestIn, fill } from './sim-bytes.ts'
import type { Wires } from './wires.ts'

/** Pieces under way to one asker that it has not taken: as many as the product holds ready and reads ahead. */
const MOST_UNDER_WAY = 4
/** As `RETRY_AFTER_MS` of the piece server. */
const RETRY_AFTER_MS = 200
/** A request and an answer without a body, on the main thread of each end. */
const REQUEST_MS = 0.06

const GONE = new LarderError('PEER_LOST', 'The asker is gone')

/** What a lying member gives instead of a piece. */
export type Lie = (key: ContentKey, record: PieceRecord) => { record: PieceRecord; digest: Buffer }

/** A PC as those see it who take pieces from it, and those it takes them from. */
export interface PieceHost {
  readonly index: number
  readonly id: PeerId
  readonly process: SimProcess
  readonly clock: Clock
  readonly up: FluidLink
  readonly down: FluidLink
  readonly slots: UploadSlots
  readonly buffers: PieceBuffers
  readonly source: Pick<PieceSource, 'openServed' | 'isSmall'>
  isBanned(id: PeerId, key: ContentKey): boolean
  lie: Lie | null
  /** Under way, as asker and as server. */
  readonly fetches: Set<PieceFetch>
}

export interface FetchWorld {
  readonly wires: Wires
  readonly fluid: FluidNetwork
  readonly costs: CpuCosts
  readonly random: Random
  readonly note: (line: string) => void
}

export interface FetchOptions {
  readonly signal?: AbortSignal | undefined
  readonly stallMs: number
  readonly progress?: ((bytes: number) => void) | undefined
}

/** One request for a run of pieces and its answer: asked over a simulated connection, served by the real slots and the real source. */
export class PieceFetch {
  readonly asker: PieceHost
  readonly server: PieceHost
  readonly #world: FetchWorld
  readonly #key: ContentKey
  readonly #plan: PiecePlan
  readonly #run: { first: number; count: number }
  readonly #options: FetchOptions
  readonly #flow: Flow
  readonly #gone = new AbortController()
  readonly #ready: ReceivedPiece[] = []
  #underWay = 0
  #movedMs: number
  #stall: Timer | null = null
  #slot: Slot | null = null
  #toldBytes = 0
  #failure: unknown
  #isComplete = false
  #wakeAsker: (() => void) | null = null
  #wakeServer: (() => void) | null = null

  constructor(
    asker: PieceHost,
    server: PieceHost,
    what: { key: ContentKey; plan: PiecePlan; run: { first: number; count: number } },
    options: FetchOptions,
    world: FetchWorld
  ) {
    this.asker = asker
    this.server = server
    this.#key = what.key
    this.#plan = what.plan
    this.#run = what.run
    this.#options = options
    this.#world = world
    this.#flow = world.fluid.open([server.up, asker.down])
    this.#movedMs = asker.clock.monotonicMs()
  }

  async *pieces(): AsyncGenerator<ReceivedPiece> {
    const { signal } = this.#options
    const onAbort = () => this.fail(signal!.reason)
    try {
      if (signal?.aborted) throw signal.reason
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#ask()
      for (;;) {
        const piece = this.#ready.shift()
        if (piece) {
          this.#underWay--
          this.#wakeServer?.()
          yield piece
        } else if (this.#failure !== undefined) throw this.#failure
        else if (this.#isComplete) return
        else await new Promise<void>((resolve) => (this.#wakeAsker = resolve))
      }
    } finally {
      signal?.removeEventListener('abort', onAbort)
      this.#end()
    }
  }

  /** Nothing passes any more, and nobody is told. */
  freeze(): void {
    this.#flow.pause()
  }

  thaw(): void {
    this.#flow.resume()
  }

  /** The asker finds that it is over. */
  fail(reason: unknown): void {
    if (this.#isComplete || this.#failure !== undefined) return
    this.#failure = reason
    for (const { release } of this.#ready.splice(0)) release()
    this.#wakeAsker?.()
    this.#end()
  }

  /** The server finds that the asker is gone. */
  askerGone(): void {
    this.#flow.close()
    // A reason of its own would be made with a stack for each.
    this.#gone.abort(GONE)
    this.#wakeServer?.()
  }

  lost(): void {
    this.fail(new LarderError('PEER_LOST', `${this.server.id.slice(0, 8)} broke off`))
  }

  /** What the reader took since this was asked last. */
  tellMoved(): void {
    if (!this.#slot) return
    const bytes = this.#flow.arrived
    if (bytes > this.#toldBytes) this.server.slots.moved(this.#slot, bytes - this.#toldBytes)
    this.#toldBytes = Math.max(bytes, this.#toldBytes)
  }

  #ask(): void {
    const { asker, server } = this
    asker.fetches.add(this)
    asker.process.spend(REQUEST_MS)
    this.#watchStall()
    this.#later(asker, server, REQUEST_MS, () => {
      // It was on its way when the asker was killed, and the end of the connection came right behind it.
      if (!asker.process.isAlive) return this.askerGone()
      server.fetches.add(this)
      void this.#serve().finally(() => server.fetches.delete(this))
    })
  }

  /** Something goes from one end to the other, if it gets there. */
  #later(from: PieceHost, to: PieceHost, costMs: number, run: () => void): void {
    const { wires, fluid } = this.#world
    if (wires.isBroken(from.index, to.index)) return
    const ms = from.process.freeAtMs - fluid.nowMs + wires.delayMs(from.index, to.index)
    fluid.after(ms, () => to.process.arrive(costMs, run))
  }

  #watchStall(): void {
    const { stallMs } = this.#options
    const { clock } = this.asker
    this.#stall = clock.after(this.#movedMs + stallMs - clock.monotonicMs(), () => {
      if (this.#flow.isMoving || this.#ready.length > 0) this.#movedMs = clock.monotonicMs()
      if (clock.monotonicMs() - this.#movedMs < stallMs) return this.#watchStall()
      this.fail(new LarderError('PEER_LOST', `Nothing came from ${this.server.id.slice(0, 8)}`, { stalled: true }))
    })
  }

  async #serve(): Promise<void> {
    const { server, asker } = this
    if (this.#gone.signal.aborted) return
    if (server.isBanned(asker.id, this.#key)) return this.#refuse('NOT_FOUND')
    for (const other of server.fetches) if (other.server === server) other.tellMoved()
    const slot = await server.slots.takeSoon(asker.id, this.#key, () => this.#cutOff(), {
      small: server.source.isSmall(this.#key),
      gone: this.#gone.signal
    })
    if (!slot)
      return this.#refuse('PEER_BUSY', { retryAfterMs: Math.round(RETRY_AFTER_MS * (1 + this.#world.random())) })
    let content: ServedContent | undefined
    try {
      content = await server.source.openServed(this.#key)
      const { first, count } = this.#run
      for (let index = first; index < first + count; index++)
        if (content?.has(index) !== true) return this.#refuse('NOT_FOUND')
      this.#slot = slot
      for (let index = first; index < first + count && !this.#gone.signal.aborted; index++)
        await this.#give(content!, index, slot)
      while (this.#flow.queued > 0 && !this.#gone.signal.aborted) await this.#serverWoken()
    } catch {
      // What was there when it was asked for has been dropped since.
      this.#cutOff()
    } finally {
      this.#slot = null
      server.slots.free(slot)
      content?.close()
    }
  }

  async #give(content: ServedContent, index: number, slot: Slot): Promise<void> {
    const { server, asker } = this
    const bytes = pieceLength(this.#plan, index)
    const { data, release } = await content.read(index)
    try {
      while (this.#underWay >= MOST_UNDER_WAY && !this.#gone.signal.aborted) await this.#serverWoken()
      await new Promise<void>((resolve) => {
        if (!server.process.isAlive) return resolve()
        server.process.arrive(this.#world.costs.give(bytes), resolve)
      })
      if (this.#gone.signal.aborted) return
      const honest = { record: content.record(index), digest: digestIn(data)! }
      const given = server.lie?.(this.#key, honest.record) ?? honest
      this.#underWay++
      this.#flow.send(bytes, () => {
        this.tellMoved()
        this.#toldBytes = 0
        slot.upload.pieces++
        slot.upload.bytes += bytes
        content.served(asker.id, bytes)
        this.#world.note(`${server.index} ${asker.index} piece ${index}`)
        this.#later(server, asker, this.#world.costs.take(bytes), () => this.#came(given, bytes, index))
        this.#wakeServer?.()
      })
    } finally {
      release()
    }
  }

  #came({ record, digest }: ReturnType<Lie>, bytes: number, index: number): void {
    if (this.#failure !== undefined || this.#isComplete) return
    this.#movedMs = this.asker.clock.monotonicMs()
    this.#options.progress?.(bytes)
    const { data, release } = this.asker.buffers.take(bytes)
    this.#ready.push({ data: fill(data, digest), record, release })
    if (index + 1 === this.#run.first + this.#run.count) this.#isComplete = true
    this.#wakeAsker?.()
  }

  #refuse(code: 'PEER_BUSY' | 'NOT_FOUND', details: Record<string, number> = {}): void {
    this.#later(this.server, this.asker, REQUEST_MS, () =>
      this.fail(new LarderError(code, `${this.server.id.slice(0, 8)} answered ${code}`, details))
    )
  }

  /** The server ends the answer and its connection. */
  #cutOff(): void {
    this.askerGone()
    this.#later(this.server, this.asker, 0, () => this.lost())
  }

  #serverWoken(): Promise<void> {
    return new Promise((resolve) => (this.#wakeServer = resolve))
  }

  /** Whatever is under way is of no use to the asker any more; the server notices a little later. */
  #end(): void {
    const { asker, server } = this
    this.#stall?.cancel()
    if (!asker.fetches.delete(this)) return
    if (this.#isComplete) return
    this.#flow.close()
    this.#later(asker, server, 0, () => this.askerGone())
  }
}
