import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LarderError } from '../lib/errors.ts'
import type { TransferWindow } from '../rates/adaptive-window.ts'
import type { RunningBody } from './body.ts'
import type { OriginBody } from './origin.ts'
import { openWindowed } from './windowed-body.ts'

const content = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 7919) % 251))

/** An origin that answers in chunks, whenever it is let. */
function origin(options: { chunk?: number; failAt?: number; ignoresRangesFrom?: number } = {}) {
  const seen = {
    ranges: [] as { start: number; end: number }[],
    asked: 0,
    most: 0,
    released: 0,
    destroyed: 0,
    given: 0
  }
  const window = {
    bytes: 50_000 as number | null,
    received: (count: number) => void (seen.asked -= count),
    release: () => void seen.released++
  } satisfies TransferWindow
  const open = async (range: { start: number; end: number; readOnTo?: number }): Promise<RunningBody> => {
    const { start } = range
    const whole = start >= (options.ignoresRangesFrom ?? Infinity)
    const end = whole ? (range.readOnTo ?? range.end) : range.end
    seen.ranges.push({ start, end })
    seen.asked += end - start
    seen.most = Math.max(seen.most, seen.asked)
    if (options.failAt !== undefined && start <= options.failAt && options.failAt < end)
      throw new LarderError('ORIGIN_CHANGED', 'changed')
    const from = whole ? 0 : start
    async function* read() {
      for (let at = from; at < end; at += options.chunk ?? 3000) {
        await new Promise(setImmediate)
        seen.given += Math.min(end, at + (options.chunk ?? 3000)) - at
        yield content.subarray(at, Math.min(end, at + (options.chunk ?? 3000)))
      }
    }
    const bytes = read()
    return { start: from, end, destroy: () => void seen.destroyed++, [Symbol.asyncIterator]: () => bytes }
  }
  return { seen, window, open }
}
const collect = async (body: OriginBody) => {
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

test('gives the bytes of the range in order, and never asks for more than the window has room for', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(199_999),
      fc.nat(200_000),
      fc.integer({ min: 8192, max: 300_000 }),
      fc.integer({ min: 1000, max: 20_000 }),
      async (one, other, room, chunk) => {
        const [start, end] = [Math.min(one, other), Math.max(one, other)]
        const at = origin({ chunk })
        at.window.bytes = room
        const body = await openWindowed(at.open, { start, end }, at.window)
        expect((await collect(body)).equals(content.subarray(start, end))).toBe(true)
        expect(at.seen.most).toBeLessThanOrEqual(Math.max(room, 8192))
        expect(at.seen.released).toBe(1)
      }
    ),
    { numRuns: 60 }
  )
})

test('an origin that ignores ranges is asked once and read on; one that does so later costs at most twice the content', async () => {
  for (const start of [0, 70_000]) {
    const at = origin({ ignoresRangesFrom: 0 })
    const body = await openWindowed(at.open, { start, end: content.length }, at.window)
    expect((await collect(body)).equals(content.subarray(start))).toBe(true)
    expect([at.seen.ranges.length, at.seen.given]).toEqual([1, content.length])
  }
  await fc.assert(
    fc.asyncProperty(fc.nat(199_999), fc.integer({ min: 8192, max: 300_000 }), async (from, room) => {
      const at = origin({ ignoresRangesFrom: from })
      at.window.bytes = room
      const body = await openWindowed(at.open, { start: 0, end: content.length }, at.window)
      expect((await collect(body)).equals(content)).toBe(true)
      expect(at.seen.given).toBeLessThanOrEqual(2 * content.length)
    }),
    { numRuns: 40 }
  )
})

test('when the law goes blind, what is left comes in one range', async () => {
  const at = origin()
  const body = await openWindowed(at.open, { start: 0, end: content.length }, at.window)
  let got = 0
  const chunks: Buffer[] = []
  for await (const chunk of body) {
    chunks.push(chunk)
    got += chunk.length
    if (got > 60_000) at.window.bytes = null
  }
  expect(Buffer.concat(chunks).equals(content)).toBe(true)
  const last = at.seen.ranges.at(-1)!
  expect(last.end).toBe(content.length)
  expect(last.end - last.start).toBeGreaterThan(50_000)
})

test('blind from the start it is one range', async () => {
  const at = origin()
  at.window.bytes = null
  expect(
    (await collect(await openWindowed(at.open, { start: 5, end: 100_000 }, at.window))).equals(
      content.subarray(5, 100_000)
    )
  ).toBe(true)
  expect(at.seen.ranges).toEqual([{ start: 5, end: 100_000 }])
})

test('a changed content is told at the opening, or in its place in the stream; the window is let go', async () => {
  const first = origin({ failAt: 0 })
  await expect(openWindowed(first.open, { start: 0, end: 100_000 }, first.window)).rejects.toMatchObject({
    code: 'ORIGIN_CHANGED'
  })
  expect(first.seen.released).toBe(1)
  const later = origin({ failAt: 90_000 })
  const body = await openWindowed(later.open, { start: 0, end: content.length }, later.window)
  const chunks: Buffer[] = []
  await expect(
    (async () => {
      for await (const chunk of body) chunks.push(chunk)
    })()
  ).rejects.toMatchObject({ code: 'ORIGIN_CHANGED' })
  const got = Buffer.concat(chunks)
  expect(got.equals(content.subarray(0, got.length))).toBe(true)
  expect(got.length).toBeLessThanOrEqual(90_000)
  expect(later.seen.released).toBe(1)
})

test('destroyed in the middle it asks for nothing more', async () => {
  const at = origin()
  const body = await openWindowed(at.open, { start: 0, end: content.length }, at.window)
  for await (const chunk of body) if (chunk.length > 0) break
  body.destroy()
  const { length } = at.seen.ranges
  for (let i = 0; i < 50; i++) await new Promise(setImmediate)
  expect(at.seen.ranges).toHaveLength(length)
})
