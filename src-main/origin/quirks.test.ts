import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { MAX_QUIRKY_HOSTS, QUIRK_LIFE_MS, Quirks, quirkTexts, type Quirk } from './quirks.ts'

test('what was learned about a host counts for a day, and for that host alone', async () => {
  const clock = fakeClock()
  const quirks = new Quirks(clock)
  quirks.note('https://a.example/x', 'no-head')
  expect(quirks.of('https://a.example/other?y')).toEqual(['no-head'])
  expect(quirks.of('https://a.example:8443/x')).toEqual([])
  await clock.pass(QUIRK_LIFE_MS - 1)
  quirks.note('https://a.example/x', 'no-ranges')
  expect(quirks.has('https://a.example/', 'no-head')).toBe(true)
  await clock.pass(1)
  expect(quirks.of('https://a.example/')).toEqual(['no-ranges'])
})

test('no more hosts than the limit are remembered, the latest ones', () => {
  const names = Object.keys(quirkTexts) as Quirk[]
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(3000), fc.constantFrom(...names)), { maxLength: 4000 }), (notes) => {
      const quirks = new Quirks(fakeClock())
      for (const [host, quirk] of notes) quirks.note(`http://h${host}.example/`, quirk)
      const latest = [...new Set(notes.map(([host]) => host).toReversed())].slice(0, MAX_QUIRKY_HOSTS)
      for (const host of latest) expect(quirks.of(`http://h${host}.example/`).length).toBeGreaterThan(0)
      const hosts = new Set(notes.map(([host]) => host))
      const known = [...hosts].filter((host) => quirks.of(`http://h${host}.example/`).length > 0)
      expect(known.length).toBeLessThanOrEqual(MAX_QUIRKY_HOSTS)
    }),
    { numRuns: 10 }
  )
})
