import { DatabaseSync } from 'node:sqlite'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SavingsTable, type ByteCounts } from '../cache/savings-table.ts'
import { IndexDb } from '../cache/index-db.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { localDay, SavingsMeter, savingsOf } from './savings.ts'

const counts = (originBytes = 0, peerBytes = 0, cacheBytes = 0, servedBytes = 0): ByteCounts => ({
  originBytes,
  peerBytes,
  cacheBytes,
  servedBytes
})
const HOUR = 3600_000
let zone: string | undefined
beforeEach(() => void (zone = process.env['TZ']))
afterEach(() => {
  if (zone === undefined) delete process.env['TZ']
  else process.env['TZ'] = zone
})

describe('the saved share', () => {
  test('is unknown where nothing was got, and all where nothing came from an origin', () => {
    expect(savingsOf([]).savedShare).toBeNull()
    expect(savingsOf([counts(0, 0, 0, 99)]).savedShare).toBeNull()
    expect(savingsOf([counts(0, 5, 5)]).savedShare).toBe(1)
    expect(savingsOf([counts(25, 50), counts(0, 0, 25, 1000)])).toEqual({
      ...counts(25, 50, 25, 1000),
      savedShare: 0.75
    })
  })

  test('is never below 0 or above 1', () => {
    const bytes = fc.integer({ min: -1000, max: 1e12 })
    fc.assert(
      fc.property(
        fc.array(fc.record({ originBytes: bytes, peerBytes: bytes, cacheBytes: bytes, servedBytes: bytes })),
        (days) => {
          const { savedShare } = savingsOf(days)
          expect(savedShare === null || (savedShare >= 0 && savedShare <= 1)).toBe(true)
        }
      )
    )
  })
})

describe('the meter', () => {
  function setUp(startMs: number, db = new DatabaseSync(':memory:')) {
    const clock = fakeClock(startMs)
    let totals = counts()
    const ledger = new SavingsTable(db)
    const meter = new SavingsMeter(clock, ledger, () => totals)
    return {
      clock,
      ledger,
      meter,
      grow: (by: ByteCounts) =>
        (totals = counts(
          totals.originBytes + by.originBytes,
          totals.peerBytes + by.peerBytes,
          totals.cacheBytes + by.cacheBytes,
          totals.servedBytes + by.servedBytes
        ))
    }
  }

  test('shows what has just come, before it is booked', () => {
    const { meter, grow } = setUp(Date.UTC(2026, 0, 1, 12))
    grow(counts(10, 30))
    expect(meter.read().today).toEqual({ ...counts(10, 30), savedShare: 0.75 })
  })

  test('books later what a full disk did not take', async () => {
    const db = new DatabaseSync(':memory:')
    const { clock, ledger, meter, grow } = setUp(Date.UTC(2026, 0, 1, 12), db)
    grow(counts(10, 30))
    db.exec('PRAGMA query_only = 1')
    await clock.pass(60_000)
    grow(counts(1, 2))
    expect(meter.read().today).toMatchObject(counts(11, 32))
    await clock.pass(24 * HOUR)
    expect(meter.read().days7).toMatchObject(counts(11, 32))
    db.exec('PRAGMA query_only = 0')
    await clock.pass(60_000)
    expect(ledger.since('').map(({ originBytes, peerBytes }) => [originBytes, peerBytes])).toEqual([[11, 32]])
    meter.stop()
  })

  test('puts every hour on its day, over a change of the clock', async () => {
    process.env['TZ'] = 'Europe/Berlin'
    // The last Sunday of March has 23 hours there, that of October 25.
    for (const [start, days] of [
      [Date.UTC(2026, 2, 27, 23), [24, 23, 24]],
      [Date.UTC(2026, 9, 23, 22), [24, 25, 24]]
    ] as const) {
      const { clock, ledger, meter, grow } = setUp(start)
      for (let hour = 0; hour < days[0] + days[1] + days[2]; hour++) {
        await clock.pass(HOUR / 2)
        grow(counts(1, 2))
        await clock.pass(HOUR / 2 - 1)
        expect(meter.read().days7.originBytes).toBe(hour + 1)
        await clock.pass(1)
      }
      meter.stop()
      expect(ledger.since('').map(({ originBytes }) => originBytes)).toEqual(days)
    }
  })

  test('forgets a day in each window when its time is over', async () => {
    const { clock, meter, grow } = setUp(Date.UTC(2026, 1, 1, 12))
    grow(counts(1))
    const seen: number[][] = []
    for (let day = 0; day < 30; day++) {
      const { today, days7, days28 } = meter.read()
      seen.push([today.originBytes, days7.originBytes, days28.originBytes])
      await clock.pass(24 * HOUR)
    }
    expect(seen.map(([today]) => today)).toEqual([1, ...Array(29).fill(0)])
    expect(seen.map(([, week]) => week)).toEqual([...Array(7).fill(1), ...Array(23).fill(0)])
    expect(seen.map(([, , month]) => month)).toEqual([...Array(28).fill(1), 0, 0])
  })

  test('goes on where the last run stopped', () => {
    const db = new DatabaseSync(':memory:')
    const first = setUp(Date.UTC(2026, 0, 1, 12), db)
    first.grow(counts(1, 2, 3, 4))
    first.meter.stop()
    const second = setUp(Date.UTC(2026, 0, 2, 12), db)
    expect(second.meter.read()).toMatchObject({ today: { peerBytes: 0 }, days7: counts(1, 2, 3, 4) })
  })

  test('takes back what turned out to be wrong, and no more than there is', async () => {
    const { clock, ledger, meter, grow } = setUp(Date.UTC(2026, 0, 1, 12))
    grow(counts(0, 10))
    await clock.pass(10_000)
    grow(counts(0, -4))
    expect(meter.read().today.peerBytes).toBe(6)
    await clock.pass(10_000)
    expect(ledger.since('')[0]).toMatchObject({ peerBytes: 6 })
    ledger.add(localDay(clock.wallMs()), counts(0, -100))
    expect(ledger.since('')[0]).toMatchObject({ peerBytes: 0 })
  })
})

test('an index made again keeps the savings', () => {
  const dir = mkdtempSync(join(tmpdir(), 'larder-savings-'))
  try {
    const path = join(dir, 'index.sqlite')
    const { index } = IndexDb.open(path, { trusted: false })
    index.savings.add('2026-01-01', counts(1, 2, 3, 4))
    index.close()
    const db = new DatabaseSync(path)
    db.exec('PRAGMA user_version = 9999')
    db.close()
    const again = IndexDb.open(path, { trusted: false })
    expect(again.fresh).toBe(true)
    expect(again.index.savings.since('')).toEqual([{ day: '2026-01-01', ...counts(1, 2, 3, 4) }])
    again.index.close()
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})
