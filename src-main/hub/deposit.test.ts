import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { PeerId } from '../contract/ids.ts'
import { BRING_PATIENCE_MS, chooseBringer, makeRoom, outlived, type Deposited } from './deposit.ts'

const limits = { maxBytes: 1000, maxContents: 1000, keepMs: 3_600_000 }
const deposited = fc.record({
  place: fc.constantFrom('10.1.0.1', '10.1.0.2', '10.2.0.1', '10.3.0.1'),
  lengthBytes: fc.integer({ min: 0, max: 400 }),
  usedMs: fc.integer({ min: 0, max: 50 })
})
const filled = fc
  .array(deposited, { maxLength: 30 })
  .map((all) => all.map((one, i): Deposited => ({ ...one, id: `${i}` })))
  .map((all) => {
    let used = 0
    return all.filter(({ lengthBytes }) => (used += lengthBytes) <= limits.maxBytes)
  })
const coming = fc.record({ place: deposited.map(({ place }) => place), lengthBytes: fc.integer({ min: 0, max: 1200 }) })
const bytesOf = (all: readonly Pick<Deposited, 'lengthBytes'>[]) =>
  all.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0)

test('with what is taken in it never holds more than it may, and nothing goes that need not', () => {
  fc.assert(
    fc.property(filled, coming, (all, next) => {
      const gone = makeRoom(all, next, limits)
      if (gone === null) return
      const kept = all.filter(({ id }) => !gone.includes(id))
      expect(bytesOf(kept) + next.lengthBytes).toBeLessThanOrEqual(limits.maxBytes)
      const last = all.find(({ id }) => id === gone.at(-1))
      if (last) expect(bytesOf(kept) + next.lengthBytes + last.lengthBytes).toBeGreaterThan(limits.maxBytes)
    })
  )
})

test('nobody loses anything to a place that would then have more than it had', () => {
  fc.assert(
    fc.property(filled, coming, (all, next) => {
      const gone = makeRoom(all, next, limits) ?? []
      const of = (place: string, from: readonly Deposited[]) => bytesOf(from.filter((one) => one.place === place))
      const kept = all.filter(({ id }) => !gone.includes(id))
      for (const { place } of all.filter(({ id }) => gone.includes(id)))
        if (place !== next.place) expect(of(place, all)).toBeGreaterThan(of(next.place, kept) + next.lengthBytes)
    })
  )
})

test('of one place what was used longest ago goes first', () => {
  fc.assert(
    fc.property(filled, coming, (all, next) => {
      const gone = makeRoom(all, next, limits) ?? []
      for (const lost of all.filter(({ id }) => gone.includes(id)))
        for (const kept of all.filter(({ id, place }) => place === lost.place && !gone.includes(id)))
          expect(kept.usedMs).toBeGreaterThanOrEqual(lost.usedMs)
    })
  )
})

test('what one member brings again and again displaces only what it brought itself once it has its share', () => {
  const one = (id: string, place: string, usedMs: number): Deposited => ({ id, place, lengthBytes: 100, usedMs })
  let all: Deposited[] = ['a', 'b', 'c'].map((id, i) => one(id, `10.1.0.${i}`, i))
  for (let i = 0; i < 50; i++) {
    const gone = makeRoom(all, { place: 'greedy', lengthBytes: 100 }, limits)!
    all = [...all.filter(({ id }) => !gone.includes(id)), one(`greedy-${i}`, 'greedy', 100 + i)]
  }
  expect(all.filter(({ place }) => place !== 'greedy').map(({ id }) => id)).toEqual(['a', 'b', 'c'])
  expect(bytesOf(all)).toBe(1000)
})

test('what is larger than all of it is not taken, and nothing is lost for it', () => {
  expect(makeRoom([], { place: 'x', lengthBytes: 1001 }, limits)).toBeNull()
  expect(makeRoom([], { place: 'x', lengthBytes: 1000 }, limits)).toEqual([])
})

test('what nobody used for long enough is outlived; a clock that was set back deletes nothing', () => {
  const all = [0, 1, 5_000_000].map((usedMs): Deposited => ({ id: `${usedMs}`, place: 'x', lengthBytes: 1, usedMs }))
  expect(outlived(all, limits, limits.keepMs)).toEqual(['0'])
  expect(outlived(all, limits, 0)).toEqual([])
})

const [anna, bert, carl] = ['a', 'b', 'c'].map((c) => c.repeat(64) as PeerId) as [PeerId, PeerId, PeerId]

test.each([
  ['the one that downloads it', null, { master: anna, holders: [bert] }, anna],
  ['a holder where nobody does', null, { master: null, holders: [bert, carl] }, bert],
  ['nobody while the one that was asked brings it', { by: bert, movedMs: 1 }, { master: anna, holders: [bert] }, null],
  [
    'another when that one is silent',
    { by: anna, movedMs: 1 - BRING_PATIENCE_MS },
    { master: anna, holders: [bert] },
    bert
  ],
  ['another when that one is gone', { by: carl, movedMs: 1 }, { master: null, holders: [bert] }, bert],
  [
    'the same again where there is no other',
    { by: bert, movedMs: -BRING_PATIENCE_MS },
    { master: bert, holders: [] },
    bert
  ],
  ['nobody where none can', null, { master: carl, holders: [carl] }, null]
] as const)('asked to bring it is %s', (_title, wanted, there, expected) => {
  expect(chooseBringer(wanted, { ...there, usable: (id) => id !== carl }, 1)).toBe(expected)
})
