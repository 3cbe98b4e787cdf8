import { describe, expect, it } from 'vitest'
import type { PartialContent } from '../cache/cache.ts'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import { Bitmap } from '../lib/bitmap.ts'
import { planPieces } from '../pieces/plan.ts'
import type { PieceRecord } from '../pieces/record.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { Arrivals } from './arrivals.ts'
import { Assembly } from './assembly.ts'
import type { Job } from './job.ts'
import { Traffic } from './traffic.ts'
import type { Judgement } from './verify/content-check.ts'

const liar = '11'.repeat(32) as PeerId
const recordOf = (index: number): PieceRecord => ({
  index,
  epoch: 1,
  digest: Buffer.alloc(32, index),
  signer: liar,
  signature: Buffer.alloc(64)
})

/** An assembly of three pieces that a liar signed. */
function rig(judgement: Judgement = { is: 'lie', lie: { record: recordOf(0), truth: Buffer.alloc(32, 9) } }) {
  const plan = planPieces(3 * 1024 * 1024)
  const have = new Bitmap(plan.count)
  const dropping = Promise.withResolvers<void>()
  const partial = {
    have,
    record: recordOf,
    drop: async (pieces: Iterable<number>) => {
      await dropping.promise
      for (const i of pieces) have.delete(i)
    }
  } as unknown as PartialContent
  const clock = fakeClock()
  const world = { network: { self: '22'.repeat(32) as PeerId }, clock }
  const arrivals = new Arrivals(clock, new Traffic(clock), () => {})
  const job = { key: `version:${'00'.repeat(32)}` as ContentKey, plan, partial, arrivals, world } as unknown as Job
  const swarm = { announce: () => {}, announceLoss: () => {}, credential: () => undefined }
  const faults = { suspect: (index: number) => suspects.push(index), judge: () => {} }
  const suspects: number[] = []
  const check = {
    judge: () => Promise.resolve(judgement),
    foreign: () => [...have],
    forgetOlder: () => {},
    over: () => {}
  }
  const whole = { expected: null, stored: {}, kind: 'resource' }
  const assembly = new Assembly(job, whole as never, swarm as never, faults as never, check as never)
  return { assembly, have, dropping, suspects, count: plan.count }
}

describe('pieces dropped after a lie', () => {
  it.each(['before they are dropped', 'after they were dropped'])(
    'are all wanted again, also one whose arrival is told %s',
    async (when) => {
      const { assembly, have, dropping, count } = rig()
      for (let i = 0; i < count; i++) {
        assembly.inFlight.start(i, 'lane', 0)
        have.add(i)
      }
      for (let i = 1; i < count; i++) assembly.accept(i, 1, 'peer')
      const completion = assembly.complete()
      // On the disk it counts as had before the one who waits for the write hears of it.
      if (when.startsWith('before')) expect(assembly.accept(0, 1, 'peer')).toBe(true)
      dropping.resolve()
      expect(await completion).toMatchObject({ again: 'foreign' })
      if (when.startsWith('after')) expect(assembly.accept(0, 1, 'peer')).toBe(false)
      assembly.inFlight.giveBack(0, 'lane', have.has(0))
      expect([...assembly.inFlight.wanted]).toEqual([0, 1, 2])
    }
  )

  it('are asked of anybody where their signer is known to have lied, else of the origin alone', async () => {
    for (const is of ['disowned', 'unchecked'] as const) {
      const { assembly, have, dropping, suspects } = rig(is === 'disowned' ? { is, pieces: [0, 2] } : { is })
      for (const i of [0, 1, 2]) have.add(i)
      dropping.resolve()
      expect(await assembly.complete()).toMatchObject({ again: is === 'disowned' ? 'damaged' : 'unchecked' })
      expect(suspects).toEqual(is === 'disowned' ? [] : [0, 1, 2])
    }
  })
})
