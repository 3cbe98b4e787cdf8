import type { Timer } from '../../lib/clock.ts'
import { LarderError } from '../../lib/errors.ts'
import type { OriginBody, OriginClient, OriginVersion } from '../../origin/origin.ts'
import type { CpuCosts } from './cpu-costs.ts'
import { FluidLink, type Flow, type FluidNetwork } from './fluid-network.ts'
import type { SimProcess } from './process.ts'
import { view, type SimContent } from './sim-bytes.ts'

const CHUNK_BYTES = 1024 * 1024
/** Chunks that may wait for their reader before the connection stands still. */
const MOST_WAITING = 4

export interface OriginOptions {
  /** Of everybody together, bytes/s. */
  readonly bytesPerSecond: number
  /** There and back, ms. */
  readonly roundTripMs: number
}

/** One PC as the origin sees it. */
export interface OriginCaller {
  readonly index: number
  readonly process: SimProcess
  readonly down: FluidLink
}

/** The web server and the WAN in front of it. Every byte that leaves it is counted, by PC and piece. */
export class SimOrigin {
  readonly wan: FluidLink
  readonly #fluid: FluidNetwork
  readonly #options: OriginOptions
  readonly #costs: CpuCosts
  readonly #note: (line: string) => void
  /** PC → bytes it was sent, whole chunks. */
  readonly sent = new Map<number, number>()
  /** PC → bytes it has read of that. */
  readonly read = new Map<number, number>()
  /** How often each PC was sent each piece from its first byte to its last. */
  readonly whole = new Map<number, Uint16Array>()
  /** Answers under way. */
  readonly #bodies = new Set<Body>()

  constructor(fluid: FluidNetwork, options: OriginOptions, costs: CpuCosts, note: (line: string) => void) {
    this.#fluid = fluid
    this.#options = options
    this.#costs = costs
    this.#note = note
    this.wan = new FluidLink(options.bytesPerSecond)
  }

  get sentBytes(): number {
    return [...this.sent.values()].reduce((sum, bytes) => sum + bytes, 0)
  }

  versionOf(content: SimContent): OriginVersion {
    return {
      url: content.url,
      finalUrl: content.url,
      etag: `"${content.sha256.slice(0, 16)}"`,
      lastModified: null,
      lengthBytes: content.plan.lengthBytes,
      sha256: content.sha256,
      ranges: true,
      unshareable: null,
      storable: true,
      policy: null
    }
  }

  /** What one PC asks this origin with. */
  client(caller: OriginCaller, contentOf: (url: string) => SimContent): OriginClient {
    const unused = async (): Promise<never> => {
      throw new LarderError('INTERNAL', 'The simulated origin is not asked for this')
    }
    return {
      open: (version, range, { signal }) => this.#open(caller, contentOf(version.url), range, signal),
      probe: unused,
      openSeveral: async () => null,
      pass: unused,
      release: () => {},
      nameOf: (url) => url,
      quirks: () => [],
      clockSkews: () => [],
      close: async () => {}
    }
  }

  /** A PC is gone; so are its answers. */
  gone(index: number): void {
    for (const body of this.#bodies) if (body.caller.index === index) body.destroy()
  }

  async #open(
    caller: OriginCaller,
    content: SimContent,
    { start, end }: { start: number; end: number | null },
    signal: AbortSignal | undefined
  ): Promise<OriginBody> {
    signal?.throwIfAborted()
    const to = end ?? content.plan.lengthBytes
    this.#note(`${caller.index} asks the origin for ${start} to ${to}`)
    // Connecting, and the request.
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        timer.cancel()
        reject(signal!.reason)
      }
      const timer: Timer = this.#fluid.after(2 * this.#options.roundTripMs, () =>
        caller.process.arrive(0.2, () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        })
      )
      signal?.addEventListener('abort', onAbort, { once: true })
    })
    const body: Body = new Body(caller, { start, end: to, signal }, this.#fluid, {
      wan: this.wan,
      costs: this.#costs,
      sent: (from, until) => this.#count(caller.index, content, from, until),
      read: (bytes) => this.read.set(caller.index, (this.read.get(caller.index) ?? 0) + bytes),
      over: () => this.#bodies.delete(body)
    })
    this.#bodies.add(body)
    return body
  }

  #count(caller: number, { plan }: SimContent, from: number, until: number): void {
    this.#note(`origin ${caller} ${from} to ${until}`)
    this.sent.set(caller, (this.sent.get(caller) ?? 0) + until - from)
    const whole = this.whole.get(caller) ?? new Uint16Array(plan.count)
    this.whole.set(caller, whole)
    for (let i = Math.floor(from / plan.pieceBytes); i < plan.count; i++) {
      const last = Math.min(plan.lengthBytes, (i + 1) * plan.pieceBytes)
      if (last > until) break
      // Its last byte counts.
      if (last > from) whole[i]!++
    }
  }
}

interface BodyWorld {
  readonly wan: FluidLink
  readonly costs: CpuCosts
  readonly sent: (from: number, until: number) => void
  readonly read: (bytes: number) => void
  readonly over: () => void
}

class Body implements OriginBody {
  readonly caller: OriginCaller
  readonly start: number
  readonly #range: { readonly end: number; readonly signal: AbortSignal | undefined }
  readonly #world: BodyWorld
  readonly #flow: Flow
  readonly #ready: Buffer[] = []
  #at: number
  #isDestroyed = false
  #wake: (() => void) | null = null

  constructor(
    caller: OriginCaller,
    { start, end, signal }: { start: number; end: number; signal: AbortSignal | undefined },
    fluid: FluidNetwork,
    world: BodyWorld
  ) {
    this.caller = caller
    this.start = start
    this.#range = { end, signal }
    this.#world = world
    this.#at = start
    this.#flow = fluid.open([world.wan, caller.down])
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    const { signal, end } = this.#range
    const onAbort = () => this.destroy()
    signal?.addEventListener('abort', onAbort, { once: true })
    let read = this.start
    try {
      this.#pump()
      while (read < end) {
        signal?.throwIfAborted()
        if (this.#isDestroyed) throw new LarderError('ORIGIN_UNREACHABLE', 'The answer was destroyed')
        const chunk = this.#ready.shift()
        if (chunk) {
          read += chunk.length
          this.#world.read(chunk.length)
          this.#pump()
          yield chunk
        } else await new Promise<void>((resolve) => (this.#wake = resolve))
      }
    } finally {
      signal?.removeEventListener('abort', onAbort)
      this.destroy()
    }
  }

  destroy(): void {
    if (this.#isDestroyed) return
    this.#isDestroyed = true
    this.#flow.close()
    this.#wake?.()
    this.#world.over()
  }

  #pump(): void {
    while (
      !this.#isDestroyed &&
      this.#flow.queued < 2 &&
      this.#ready.length < MOST_WAITING &&
      this.#at < this.#range.end
    ) {
      const from = this.#at
      const until = Math.min(this.#range.end, from + CHUNK_BYTES)
      this.#at = until
      this.#flow.send(until - from, () => {
        this.#world.sent(from, until)
        this.caller.process.arrive(this.#world.costs.take(until - from), () => {
          if (this.#isDestroyed) return
          this.#ready.push(view(until - from))
          this.#pump()
          this.#wake?.()
        })
      })
    }
  }
}
