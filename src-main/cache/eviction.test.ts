import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chooseEvictions, evictionOrder, mergeInOrder, type EvictionEntry, type EvictionLimits } from './eviction.ts'

const NOW = 1_000_000
const entry: fc.Arbitrary<EvictionEntry> = fc.record({
  id: fc.uuid(),
  bytes: fc.nat(1000),
  lastUsedAt: fc.nat(2 * NOW),
  priority: fc.nat(2),
  pinned: fc.boolean(),
  inUse: fc.boolean()
})
const entries = fc.uniqueArray(entry, { selector: ({ id }) => id, maxLength: 40 })
const limits: fc.Arbitrary<EvictionLimits> = fc.record({
  maxBytes: fc.nat(20_000),
  minFreeBytes: fc.nat(10_000),
  freeBytes: fc.option(fc.nat(20_000)),
  neededBytes: fc.nat(2000),
  maxAgeMs: fc.option(fc.nat(NOW))
})
const sum = (list: readonly { bytes: number }[]) => list.reduce((total, { bytes }) => total + bytes, 0)
const excess = (
  all: readonly EvictionEntry[],
  gone: readonly { bytes: number }[],
  { maxBytes, minFreeBytes, freeBytes, neededBytes }: EvictionLimits
) =>
  Math.max(
    sum(all) - sum(gone) + neededBytes - maxBytes,
    freeBytes === null ? 0 : minFreeBytes + neededBytes - freeBytes - sum(gone)
  )

function chosen(all: EvictionEntry[], given: EvictionLimits): EvictionEntry[] {
  return chooseEvictions(all.toSorted(evictionOrder), sum(all), given, NOW).map(({ id }) =>
    all.find((one) => one.id === id)!
  )
}

test('pinned entries and those in use are never chosen, nothing twice', () => {
  fc.assert(
    fc.property(entries, limits, (all, given) => {
      const gone = chosen(all, given)
      expect(gone.filter(({ pinned, inUse }) => pinned || inUse)).toEqual([])
      expect(new Set(gone).size).toBe(gone.length)
    })
  )
})

test('afterwards the limits are kept, or nothing more can go', () => {
  fc.assert(
    fc.property(entries, limits, (all, given) => {
      const gone = chosen(all, given)
      // Nothing goes for what could not be written even then.
      if (hopeless(all, given)) {
        expect(gone.every((one) => aged(one, given))).toBe(true)
        return
      }
      const left = all.filter((one) => !gone.includes(one) && !one.pinned && !one.inUse && one.bytes > 0)
      if (left.length > 0) expect(excess(all, gone, given)).toBeLessThanOrEqual(0)
    })
  )
})

/** Not even all that can go would free what is needed. */
function hopeless(all: readonly EvictionEntry[], { freeBytes, minFreeBytes, neededBytes }: EvictionLimits): boolean {
  if (freeBytes === null || neededBytes === 0) return false
  const canGo = all.filter(({ pinned, inUse }) => !pinned && !inUse).reduce((sum, { bytes }) => sum + bytes, 0)
  return minFreeBytes + neededBytes - freeBytes > canGo
}

const aged = (one: EvictionEntry, { maxAgeMs }: EvictionLimits) => maxAgeMs !== null && one.lastUsedAt < NOW - maxAgeMs

test('whatever is too old goes, unless it is pinned or in use', () => {
  fc.assert(
    fc.property(entries, limits, (all, given) => {
      const gone = chosen(all, given)
      for (const one of all) if (aged(one, given) && !one.pinned && !one.inUse) expect(gone).toContain(one)
    })
  )
})

test('beyond what is too old nothing goes that need not', () => {
  fc.assert(
    fc.property(entries, limits, (all, given) => {
      const gone = chosen(all, given)
      if (gone.some((one) => !aged(one, given))) expect(excess(all, gone.slice(0, -1), given)).toBeGreaterThan(0)
    })
  )
})

test('what stays has a higher priority than what goes for room, or the same and was used no earlier', () => {
  fc.assert(
    fc.property(entries, limits, (all, given) => {
      const gone = chosen(all, given)
      const forRoom = gone.filter((one) => !aged(one, given))
      for (const one of all) {
        if (gone.includes(one) || one.pinned || one.inUse || one.bytes === 0) continue
        for (const other of forRoom)
          expect(
            one.priority > other.priority || (one.priority === other.priority && one.lastUsedAt >= other.lastUsedAt)
          ).toBe(true)
      }
    })
  )
})

test('says why: age, size or free space', () => {
  const one: EvictionEntry = { id: 'a', bytes: 10, lastUsedAt: 0, priority: 1, pinned: false, inUse: false }
  expect(
    chooseEvictions([one], 10, { maxBytes: 5, minFreeBytes: 0, freeBytes: null, neededBytes: 0, maxAgeMs: null }, NOW)
  ).toEqual([{ id: 'a', bytes: 10, reason: 'size' }])
  expect(
    chooseEvictions(
      [{ ...one, bytes: 0 }],
      0,
      { maxBytes: 5, minFreeBytes: 0, freeBytes: null, neededBytes: 0, maxAgeMs: 10 },
      NOW
    )
  ).toEqual([{ id: 'a', bytes: 0, reason: 'age' }])
  expect(
    chooseEvictions([one], 10, { maxBytes: 50, minFreeBytes: 9, freeBytes: 5, neededBytes: 0, maxAgeMs: null }, NOW)
  ).toEqual([{ id: 'a', bytes: 10, reason: 'free-space' }])
})

test('two sequences in order are one in order', () => {
  fc.assert(
    fc.property(entries, entries, (one, other) => {
      const merged = [...mergeInOrder(one.toSorted(evictionOrder), other.toSorted(evictionOrder))]
      expect(merged).toEqual(
        [...one, ...other].sort((a, b) => evictionOrder(a, b) || merged.indexOf(a) - merged.indexOf(b))
      )
    })
  )
})

test('without a limit of age it looks no further than it has to', () => {
  let seen = 0
  function* many(): Generator<EvictionEntry> {
    for (let i = 0; i < 1000; i++) {
      seen++
      yield { id: String(i), bytes: 10, lastUsedAt: i, priority: 1, pinned: i === 0, inUse: false }
    }
  }
  const gone = chooseEvictions(
    many(),
    10_000,
    { maxBytes: 9975, minFreeBytes: 0, freeBytes: null, neededBytes: 0, maxAgeMs: null },
    NOW
  )
  expect(gone.map(({ id }) => id)).toEqual(['1', '2', '3'])
  expect(seen).toBe(4)
})
