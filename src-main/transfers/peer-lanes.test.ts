import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import type { PeerId } from '../contract/ids.ts'
import { Bitmap } from '../lib/bitmap.ts'
import { LarderError } from '../lib/errors.ts'
import { planPieces } from '../pieces/plan.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { Arrivals } from './arrivals.ts'
import { InFlight } from './in-flight.ts'
import type { Job } from './job.ts'
import { Neighbours } from './neighbours.ts'
import { PeerLanes } from './peer-lanes.ts'
import type { Swarm } from './swarm.ts'

const plan = planPieces(8 * 1024 * 1024)
const near = 'a'.repeat(64) as PeerId
const far = 'b'.repeat(64) as PeerId

/** Lanes to one near peer and one far one that has it all. Whoever is asked says nothing, or that it is busy. */
function rig(nearHas: number[], { busy = [], leads = true }: { busy?: PeerId[]; leads?: boolean } = {}) {
  const clock = fakeClock()
  const neighbours = new Neighbours(plan.count)
  const some = new Bitmap(plan.count)
  for (const index of nearHas) some.add(index)
  neighbours.setOffered(neighbours.meet(far), Bitmap.full(plan.count))
  neighbours.setOffered(neighbours.meet(near), some)
  const have = new Bitmap(plan.count)
  const asked = new Map<PeerId, number[]>([
    [near, []],
    [far, []]
  ])
  const network = {
    async *fetchPieces(from: PeerId, _key: unknown, _plan: unknown, run: { first: number; count: number }) {
      if (busy.includes(from)) throw new LarderError('PEER_BUSY', 'All its upload slots are taken')
      for (let index = run.first; index < run.first + run.count; index++) asked.get(from)!.push(index)
      yield await new Promise<never>(() => {})
    }
  }
  const job = {
    plan,
    partial: { have },
    arrivals: new Arrivals(clock, { note: () => {} }, () => {}),
    priority: () => 'foreground',
    world: { clock, network, random: () => 0.5 }
  } as unknown as Job
  const lanes = new PeerLanes(job, { neighbours } as Swarm, new InFlight(have, new Bitmap(plan.count)), {
    master: () => null,
    isFar: (id) => id === far,
    mayAskFar: () => leads,
    checkRecord: () => 'ok',
    arrived: () => {},
    ban: () => {},
    failed: () => {},
    broken: () => {},
    idle: () => lanes.fill()
  })
  return { lanes, clock, asked: (id: PeerId) => asked.get(id)!.toSorted((a, b) => a - b) }
}

test('what a near peer has crosses no router', async () => {
  const { lanes, asked, clock } = rig([0, 1, 2, 3, 4, 5, 6])
  lanes.fill()
  await clock.pass(1)
  expect(asked(near).length).toBeGreaterThan(0)
  expect(asked(far)).toEqual([7])
})

test('unless the near peer is busy', async () => {
  const { lanes, asked, clock } = rig([0, 1, 2, 3, 4, 5, 6, 7], { busy: [near] })
  lanes.fill()
  await clock.pass(20)
  expect(asked(far).length).toBeGreaterThan(0)
})

test('who does not lead its subnet asks none of other subnets, although it is connected to some', async () => {
  const { lanes, asked, clock } = rig([0, 1], { leads: false })
  lanes.fill()
  await clock.pass(5000)
  expect(asked(near)).toEqual([0, 1])
  expect(asked(far)).toEqual([])
})

describe('a peer that stalls', () => {
  /**
   * The only peer; it sends this many bytes of the first piece and then nothing.
   * @param stopAfterMs the transfer ends then, before anybody has waited to the end; null: it does not
   */
  async function stalledAfter(bytes: number, stopAfterMs: number | null = null) {
    const clock = fakeClock()
    const silent: PeerId[] = []
    const neighbours = new Neighbours(plan.count)
    neighbours.setOffered(neighbours.meet(near), Bitmap.full(plan.count))
    const stalled = new Promise<void>((resolve) => {
      const have = new Bitmap(plan.count)
      const network = {
        // eslint-disable-next-line require-yield
        async *fetchPieces(
          _from: PeerId,
          _key: unknown,
          _plan: unknown,
          _run: unknown,
          options: { progress: (n: number) => void; signal: AbortSignal }
        ) {
          if (bytes > 0) options.progress(bytes)
          if (stopAfterMs !== null) {
            await once(options.signal, 'abort')
            options.signal.throwIfAborted()
          }
          throw new LarderError('PEER_LOST', 'It sent nothing for 5000 ms', { stalled: true })
        }
      }
      const leftOut = { silent: async (id: PeerId) => void silent.push(id), delivered: () => {} }
      const job = {
        plan,
        partial: { have },
        arrivals: new Arrivals(clock, { note: () => {} }, () => {}),
        priority: () => 'foreground',
        world: { clock, network, leftOut, random: () => 0.5 }
      } as unknown as Job
      const swarm = { neighbours, disregard: (id: PeerId) => neighbours.leave(id) } as unknown as Swarm
      const lanes = new PeerLanes(job, swarm, new InFlight(have, new Bitmap(plan.count)), {
        master: () => null,
        isFar: () => false,
        mayAskFar: () => true,
        checkRecord: () => 'ok',
        arrived: () => {},
        ban: () => {},
        failed: () => resolve(),
        broken: () => {},
        idle: () => {}
      })
      lanes.fill()
      if (stopAfterMs === null) return
      void (async () => {
        await clock.pass(stopAfterMs)
        lanes.stop()
        while (lanes.active > 0) await clock.pass(1)
        resolve()
      })()
    })
    await stalled
    return silent
  }

  test('before the first byte is looked at: its large answers may get lost', async () => {
    expect(await stalledAfter(0)).toEqual([near])
  })

  test('until others have given it all is looked at, too, when that took long', async () => {
    expect(await stalledAfter(0, 2600)).toEqual([near])
    expect(await stalledAfter(0, 2000)).toEqual([])
    expect(await stalledAfter(1, 2600)).toEqual([])
  })

  test('after some bytes is not: they arrive', async () => {
    expect(await stalledAfter(1)).toEqual([])
  })
})
