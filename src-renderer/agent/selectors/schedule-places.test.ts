// @vitest-environment node
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { emptyGrid, USUAL } from './schedule.ts'
import { paintedPart, placeAfter } from './schedule-places.ts'

const lying = { upright: false, ends: false }

test.each([
  [{ day: 0, hour: 0 }, 'ArrowRight', lying, { day: 0, hour: 1 }],
  [{ day: 0, hour: 0 }, 'ArrowRight', { ...lying, upright: true }, { day: 1, hour: 0 }],
  [{ day: 0, hour: 0 }, 'ArrowUp', lying, { day: -1, hour: 0 }],
  [{ day: -1, hour: 0 }, 'ArrowLeft', lying, { day: -1, hour: 0 }],
  [{ day: 3, hour: 5 }, 'Home', lying, { day: 3, hour: 0 }],
  [{ day: 3, hour: 5 }, 'End', lying, { day: 3, hour: 23 }],
  [{ day: 3, hour: 5 }, 'End', { ...lying, ends: true }, { day: 6, hour: 23 }],
  [{ day: 3, hour: 5 }, 'a', lying, null]
])('from %o %s leads on', (from, key, how, to) => {
  expect(placeAfter(from, key, how)).toEqual(to)
})

test('every hour and every head is reached, and no key leads out of the grid', () => {
  const key = fc.constantFrom('ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End')
  fc.assert(
    fc.property(fc.array(key), fc.boolean(), fc.boolean(), (keys, upright, ends) => {
      let place = { day: 0, hour: 0 }
      for (const one of keys) {
        place = placeAfter(place, one, { upright, ends })!
        expect(place.day >= -1 && place.day < 7 && place.hour >= -1 && place.hour < 24).toBe(true)
        expect(place.day === -1 && place.hour === -1).toBe(false)
      }
    })
  )
})

test('the head of a day paints all of it, and takes it off again', () => {
  const grid = { ...emptyGrid, limits: [{ upload: null }] }
  const sunday = paintedPart(grid, { day: 6, hour: -1 }, 0)
  expect(sunday.hours.filter((which) => which === 0)).toHaveLength(24)
  expect(paintedPart(sunday, { day: 6, hour: -1 }, 0).hours.every((which) => which === USUAL)).toBe(true)
  expect(paintedPart(sunday, { day: -1, hour: 3 }, 0).hours.filter((which) => which === 0)).toHaveLength(30)
})
