import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Bitmap } from '../lib/bitmap.ts'
import { systemClock } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import { PieceBuffers } from '../pieces/piece-buffers.ts'
import { planPieces } from '../pieces/plan.ts'
import { Arrivals } from './arrivals.ts'
import { firstGap } from './choose-run.ts'
import { InFlight } from './in-flight.ts'
import type { Job } from './job.ts'
import { OriginLane } from './origin-lane.ts'

const MIB = 1024 * 1024

/**
 * A lane for three pieces, held as soon as one has come in, or is stored. `gap`: pieces per request; `full`: the piece there is no room
 * for; `beaten`: the piece that a peer brings while it waits to be written;
 * `late`: the one that counts for nothing once it is stored.
 */
function lane({
  held = 'received',
  gap = 3,
  full = null,
  beaten = null,
  late = null
}: {
  held?: 'received' | 'stored' | 'never'
  gap?: number
  full?: number | null
  beaten?: number | null
  late?: number | null
} = {}) {
  const plan = planPieces(3 * MIB)
  const have = new Bitmap(plan.count)
  const inFlight = new InFlight(have, new Bitmap(plan.count))
  const seen = { opened: 0, read: 0, idle: 0, stopped: 0, discarded: 0, failed: [] as unknown[], isOpen: false }
  const world = {
    clock: systemClock,
    buffers: new PieceBuffers(systemClock),
    discarded: (bytes: number) => void (seen.discarded += bytes),
    origin: {
      open: async (_version: unknown, { start }: { start: number }, { signal }: { signal: AbortSignal }) => {
        seen.opened++
        seen.isOpen = true
        return {
          start,
          destroy: () => void (seen.isOpen = false),
          async *[Symbol.asyncIterator]() {
            for (let at = start; at < plan.lengthBytes; at += MIB) {
              await turn()
              signal.throwIfAborted()
              seen.read++
              yield Buffer.alloc(MIB)
            }
          }
        }
      }
    }
  }
  const partial = {
    have,
    async writeFromOrigin(_data: Uint8Array, index: number, _sign: unknown, had: () => void) {
      await turn()
      if (index === full) throw new LarderError('DISK_FULL', 'The disk of the cache is full')
      have.add(index)
      if (index !== beaten) had()
    }
  }
  const arrivals = new Arrivals(systemClock, { note: () => {} }, () => {})
  const job = { plan, partial, arrivals, priority: () => 'foreground', world } as unknown as Job
  const origin = new OriginLane(job, { version: {} as never, headers: undefined }, inFlight, {
    starts: () => 2,
    nextGap: () => {
      const next = firstGap(inFlight.wanted, null)
      return next && { ...next, count: Math.min(next.count, gap) }
    },
    sign: () => ({}) as never,
    received: () => held === 'received' && seen.read === 1 && origin.hold(),
    arrived: (index) => {
      inFlight.arrived(index)
      if (held === 'stored' && index === 0) origin.hold()
      return index !== late
    },
    idle: () => void seen.idle++,
    stopped: () => void seen.stopped++,
    failed: (error) => void seen.failed.push(error)
  })
  return { origin, seen, have }
}

const settled = async () => {
  for (let i = 0; i < 50; i++) await turn()
}

describe('a download from the origin that is held', () => {
  it('reads nothing more and keeps its answer open', async () => {
    const { origin, seen } = lane()
    origin.start()
    await settled()
    expect(seen).toMatchObject({ opened: 1, isOpen: true })
    expect(seen.read).toBeLessThan(3)
    expect(origin.active).toBe(true)
  })

  it('goes on with the same answer, and loses no byte', async () => {
    const { origin, seen, have } = lane()
    origin.start()
    await settled()
    origin.goOn()
    await settled()
    expect(seen).toMatchObject({ opened: 1, read: 3, idle: 1, failed: [] })
    expect(have.complete).toBe(true)
  })

  it('can be stopped', async () => {
    const { origin, seen } = lane()
    origin.start()
    await settled()
    origin.stop()
    await settled()
    expect(seen).toMatchObject({ opened: 1, isOpen: false, idle: 0, stopped: 1, failed: [] })
    expect(origin.active).toBe(false)
  })

  it('asks for no further range', async () => {
    const { origin, seen, have } = lane({ held: 'stored', gap: 1 })
    origin.start()
    await settled()
    expect(seen).toMatchObject({ opened: 1, idle: 0 })
    origin.goOn()
    await settled()
    expect(seen).toMatchObject({ opened: 3, idle: 1, failed: [] })
    expect(have.complete).toBe(true)
  })
})

describe('a piece that cannot be stored', () => {
  it.each([0, 1, 2])('ends the download with the disk’s error, piece %i of three', async (full) => {
    const { origin, seen } = lane({ held: 'never', full })
    origin.start()
    await settled()
    expect(seen).toMatchObject({ idle: 0, failed: [{ code: 'DISK_FULL' }], isOpen: false })
    expect(origin.active).toBe(false)
  })
})

describe('a piece from the origin that a peer has brought in the same moment', () => {
  it('is counted as discarded, because nobody counts it as downloaded', async () => {
    const { origin, seen } = lane({ held: 'never', beaten: 1 })
    origin.start()
    await settled()
    expect(seen).toMatchObject({ read: 3, failed: [], discarded: MIB })
  })

  it('is counted as discarded also where that shows only when it is stored', async () => {
    const { origin, seen } = lane({ held: 'never', late: 1 })
    origin.start()
    await settled()
    expect(seen).toMatchObject({ read: 3, failed: [], discarded: MIB })
  })
})
