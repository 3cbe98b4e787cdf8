import net, { type AddressInfo, type Socket } from 'node:net'

/**
 * How the way between two ends fails. `cut`: connections break and none is taken. `silent`: they stay and nothing passes.
 * `deaf` and `mute`: they stay, and nothing passes to, or from, the end that dialled.
 */
export type RelayFault = 'cut' | 'silent' | 'deaf' | 'mute'

/** What a way does to everything that passes it, in each direction. */
export interface WayQuality {
  readonly delayMs: number
  /** Share of packets that get lost, 0–1. TCP repeats them: each costs {@link RETRANSMIT_MS}, and nothing overtakes it. */
  readonly loss: number
}

/** A way to a local port that can be broken, spoiled and mended. */
export interface TcpRelay {
  readonly port: number
  break(fault: RelayFault): void
  heal(): void
  /** From now on; null for as good as loopback is. */
  spoil(quality: WayQuality | null): void
  close(): Promise<void>
}

/** Shortest time in which TCP repeats what nobody acknowledged. */
export const RETRANSMIT_MS = 200
const PACKET_BYTES = 1448
const MOST_UNDER_WAY_BYTES = 1024 * 1024

/** Listens on loopback and passes everything on to `target` there. @param random decides which packets get lost */
export async function startTcpRelay(target: number, random: () => number = Math.random): Promise<TcpRelay> {
  const pairs = new Set<{ there: Way; back: Way }>()
  let fault: RelayFault | null = null
  let quality: WayQuality | null = null
  const hold = ({ there, back }: { there: Way; back: Way }): void => {
    there.held = fault === 'silent' || fault === 'mute'
    back.held = fault === 'silent' || fault === 'deaf'
  }
  const server = net.createServer({ allowHalfOpen: true }, (from) => {
    from.on('error', () => {})
    if (fault === 'cut') return void from.resetAndDestroy()
    const to = net.connect({ port: target, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {})
    const pair = { there: new Way(from, to, () => quality, random), back: new Way(to, from, () => quality, random) }
    pairs.add(pair)
    for (const socket of [from, to]) socket.once('close', () => from.destroyed && to.destroyed && pairs.delete(pair))
    hold(pair)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    break(how) {
      fault = how
      for (const pair of pairs) {
        if (how === 'cut') pair.there.cut()
        else hold(pair)
      }
    },
    heal() {
      fault = null
      for (const pair of pairs) hold(pair)
    },
    spoil(how) {
      quality = how
    },
    async close() {
      for (const { there } of pairs) there.cut()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}

/** One direction of a connection: what comes in at one socket goes out at the other, in order, when its time has come. */
class Way {
  readonly #from: Socket
  readonly #to: Socket
  readonly #quality: () => WayQuality | null
  readonly #random: () => number
  readonly #underWay: { what: Buffer | 'end' | 'closed'; atMs: number }[] = []
  #bytes = 0
  #held = false
  #timer: NodeJS.Timeout | undefined

  constructor(from: Socket, to: Socket, quality: () => WayQuality | null, random: () => number) {
    this.#from = from
    this.#to = to
    this.#quality = quality
    this.#random = random
    from.on('data', (chunk: Buffer) => this.#take(chunk))
    from.once('end', () => this.#take('end'))
    // A broken connection is noticed at the other end when word of it can get there.
    from.once('close', () => this.#take('closed'))
    to.on('drain', () => this.#pass())
    to.once('close', () => clearTimeout(this.#timer))
  }

  /** Nothing passes: what arrives stays in the buffers of the system. */
  set held(held: boolean) {
    this.#held = held
    if (held) this.#from.pause()
    this.#pass()
  }

  cut(): void {
    this.#from.resetAndDestroy()
    this.#to.resetAndDestroy()
  }

  #take(what: Buffer | 'end' | 'closed'): void {
    const bytes = typeof what === 'string' ? 0 : what.length
    const atMs = performance.now() + this.#tripMs(bytes)
    this.#underWay.push({ what, atMs: Math.max(atMs, this.#underWay.at(-1)?.atMs ?? 0) })
    this.#bytes += bytes
    this.#pass()
  }

  #tripMs(bytes: number): number {
    const quality = this.#quality()
    if (quality === null) return 0
    const arrives = (1 - quality.loss) ** Math.ceil(Math.max(1, bytes) / PACKET_BYTES)
    return quality.delayMs + (this.#random() < arrives ? 0 : RETRANSMIT_MS)
  }

  #pass(): void {
    clearTimeout(this.#timer)
    if (this.#to.destroyed) return
    const nowMs = performance.now()
    while (
      !this.#held &&
      !this.#to.writableNeedDrain &&
      this.#underWay.length > 0 &&
      this.#underWay[0]!.atMs <= nowMs
    ) {
      const { what } = this.#underWay.shift()!
      if (what === 'end') this.#to.end()
      else if (what === 'closed') return void this.#to.destroy()
      else {
        this.#bytes -= what.length
        this.#to.write(what)
      }
    }
    if (this.#held || this.#bytes > MOST_UNDER_WAY_BYTES || this.#to.writableNeedDrain) this.#from.pause()
    else this.#from.resume()
    const next = this.#underWay[0]
    if (!this.#held && next && next.atMs > nowMs) this.#timer = setTimeout(() => this.#pass(), next.atMs - nowMs)
  }
}
