import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { RateMeter } from './rate-meter.ts'

const KIB = 1024
const MIB = 1024 * KIB

describe('the rate of bytes that come in', () => {
  it('is right to 15 % from 3 s on, on any line and in chunks of any size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 20 * KIB, max: 200 * MIB }),
        fc.integer({ min: 1 * KIB, max: 256 * KIB }),
        fc.array(fc.double({ min: -0.2, max: 0.2, noNaN: true }), { minLength: 20, maxLength: 20 }),
        fc.integer({ min: 0, max: 4000 }),
        async (rate, most, jitter, lateMs) => {
          const clock = fakeClock()
          const meter = new RateMeter(clock)
          // What happened before the first byte says nothing of the line.
          await clock.pass(lateMs)
          // At least one chunk in half a second, at most one in 10 ms.
          const chunk = Math.max(Math.min(most, rate / 2), rate / 100)
          const everyMs = (chunk * 1000) / rate
          const startMs = clock.monotonicMs()
          for (let n = 0; n * everyMs < 12_000; n++) {
            const dueMs = startMs + everyMs * (n + jitter[n % jitter.length]!)
            await clock.pass(Math.max(0, dueMs - clock.monotonicMs()))
            meter.add(chunk)
            if (clock.monotonicMs() - startMs < 3000) continue
            expect(meter.bytesPerSecond / rate).toBeGreaterThan(0.85)
            expect(meter.bytesPerSecond / rate).toBeLessThan(1.15)
            await clock.pass(everyMs * 0.5)
            expect(meter.bytesPerSecond / rate).toBeGreaterThan(0.85)
          }
        }
      ),
      { numRuns: 40 }
    )
  })

  it('is that of the line where it comes in whole pieces, seconds apart', async () => {
    const clock = fakeClock()
    const meter = new RateMeter(clock)
    const lump = async () => {
      for (let i = 0; i < 16; i++) {
        meter.add(64 * KIB)
        await clock.pass(10)
      }
      await clock.pass(7000 - 160)
    }
    await lump()
    for (let i = 0; i < 6; i++) {
      await lump()
      expect(meter.bytesPerSecond).toBeGreaterThan((0.85 * MIB) / 7)
      expect(meter.bytesPerSecond).toBeLessThan((1.15 * MIB) / 7)
    }
  })

  it('is nothing before there is a span, falls when nothing comes any more, and forgets', async () => {
    const clock = fakeClock()
    const meter = new RateMeter(clock)
    meter.add(MIB)
    expect(meter.bytesPerSecond).toBe(0)
    for (let i = 0; i < 50; i++) {
      await clock.pass(100)
      meter.add(100 * KIB)
    }
    const full = meter.bytesPerSecond
    expect(full / (1000 * KIB)).toBeCloseTo(1, 1)
    await clock.pass(2000)
    expect(meter.bytesPerSecond).toBeGreaterThan(0)
    expect(meter.bytesPerSecond).toBeLessThan(full * 0.8)
    await clock.pass(3100)
    expect(meter.bytesPerSecond).toBe(0)
    // What follows the silence is measured by itself.
    for (let i = 0; i < 20; i++) {
      meter.add(10 * KIB)
      await clock.pass(100)
    }
    expect(meter.bytesPerSecond / (100 * KIB)).toBeCloseTo(1, 1)
  })

  it('follows a line that becomes ten times slower within the window', async () => {
    const clock = fakeClock()
    const meter = new RateMeter(clock)
    for (const [chunk, steps] of [
      [100 * KIB, 100],
      [10 * KIB, 60]
    ] as const)
      for (let i = 0; i < steps; i++) {
        meter.add(chunk)
        await clock.pass(100)
      }
    expect(meter.bytesPerSecond / (100 * KIB)).toBeLessThan(1.15)
  })
})
