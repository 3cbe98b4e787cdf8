import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { ByteBucket } from './byte-bucket.ts'
import { paceOf } from './pace.ts'

const lots = fc.array(fc.integer({ min: 1, max: 300_000 }), { minLength: 5, maxLength: 40 })

test('never lets more through than its rate and one burst, and reaches its rate', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 20_000, max: 5_000_000 }), lots, async (rate, sizes) => {
      const clock = fakeClock()
      const bucket = new ByteBucket(clock, rate)
      let through = 0
      for (const bytes of sizes) {
        const waitMs = bucket.waitMs(bucket.take(bytes))
        await clock.pass(waitMs)
        through += bytes
        expect(through).toBeLessThanOrEqual(rate * (clock.monotonicMs() / 1000) + Math.max(32 * 1024, rate / 4) + 1)
      }
      const leastMs = ((through - Math.max(32 * 1024, rate / 4)) / rate) * 1000
      // Whole milliseconds are waited, so each lot may cost one more.
      expect(clock.monotonicMs()).toBeLessThanOrEqual(Math.max(0, leastMs) + sizes.length)
    }),
    { numRuns: 50 }
  )
})

test('costs nothing while there is no cap: no promise, no count', () => {
  const bucket = new ByteBucket(fakeClock())
  const pace = paceOf(bucket, fakeClock())
  for (let i = 0; i < 1000; i++) expect(pace(1 << 20)).toBeUndefined()
  expect(bucket.take(0)).toBe(0)
})

test('what passed before a cap was set is not a debt', () => {
  const bucket = new ByteBucket(fakeClock())
  bucket.take(1e9)
  bucket.bytesPerSecond = 100_000
  expect(bucket.waitMs(bucket.take(100_000))).toBe(1000)
})

test('a cap that is lifted lets waiting bytes go within half a second, in order', async () => {
  const clock = fakeClock()
  const bucket = new ByteBucket(clock, 20_000)
  const pace = paceOf(bucket, clock)
  const order: number[] = []
  for (let i = 0; i < 3; i++) void pace(1_000_000)!.then(() => order.push(i))
  await clock.pass(2000)
  expect(order).toEqual([])
  bucket.bytesPerSecond = null
  await clock.pass(500)
  expect(order).toEqual([0, 1, 2])
})

test('a wait ends with the reason of its signal', async () => {
  const clock = fakeClock()
  const abort = new AbortController()
  const held = paceOf(new ByteBucket(clock, 20_000), clock)(1_000_000, abort.signal)!
  queueMicrotask(() => abort.abort(new Error('enough')))
  await expect(held).rejects.toThrow('enough')
})
