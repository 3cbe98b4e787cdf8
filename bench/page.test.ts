import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { judge, meets, type Bench } from './page.ts'
import { at, countOf, largestOf, minus, over, times, worstAt } from './read-report.ts'
import { benches } from './targets.ts'

const bench: Bench = {
  name: 'b',
  file: 'b.ts',
  args: [],
  quick: [],
  runs: 3,
  figures: [
    {
      title: 'time',
      unit: ' s',
      digits: 1,
      of: at('time.median'),
      beside: { title: 'direct', of: at('direct') },
      must: { most: 2 },
      aim: { most: 1 }
    }
  ]
}
const report = (median: number, direct = 5) => ({ time: { median }, direct })
const verdict = (...reports: Parameters<typeof judge>[1]) => judge(bench, reports).map(({ verdict: of }) => of)

test('holds the median of all runs against the target, and tells how far they lie apart', () => {
  const [, line] = judge(bench, [report(1.5, 4), report(9, 6), report(1.1)])
  expect(line).toMatchObject({
    middle: 1.5,
    spread: [1.1, 9],
    beside: { title: 'direct', middle: 5 },
    verdict: 'met'
  })
  expect([report(2), report(2.01), report(1)].map((one) => verdict(one)[1])).toEqual(['met', 'missed', 'aim met'])
})

test('a run in which something did not hold is a line of its own, beside the figures of the others', () => {
  expect(verdict(report(1), null)).toEqual(['missed', 'aim met'])
  expect(verdict(null)).toEqual(['missed', 'not measured'])
  expect(verdict({})).toEqual(['met', 'not measured'])
})

test('a bench that could not run here has neither held nor missed; a quick look takes no figures', () => {
  expect(verdict()).toEqual(['not measured', 'not measured'])
  expect(judge(bench, [report(9)], [])).toMatchObject([{ middle: 0, verdict: 'met' }])
})

test('reads numbers out of a report, and none where there is none', () => {
  const one = { a: { b: 4 }, c: 2, list: [{ d: 7 }, { d: 8 }], text: 'x' }
  expect([at('a.b')(one), at('list.0.d')(one), at('a.x.y')(one), at('text')(one), at('a')(one)]).toEqual([
    4,
    7,
    null,
    null,
    null
  ])
  expect([over('a.b', 'c')(one), minus('a.b', 'c')(one), over('a.b', 'z')(one)]).toEqual([2, 2, null])
  expect([worstAt('c', 'a.b')(one), worstAt('c', 'z')(one)]).toEqual([4, null])
  expect([countOf('list', ({ d }) => d === 8)(one), countOf('c', () => true)(one)]).toEqual([1, null])
  expect([times(at('c'), 3)(one), times(at('z'), 3)(one)]).toEqual([6, null])
  expect([largestOf('waits')({ waits: [1, 9, 4] }), largestOf('waits')({ waits: [] }), largestOf('c')(one)]).toEqual([
    9,
    null,
    null
  ])
  expect([meets(3, { most: 3 }), meets(3, { least: 3.1 })]).toEqual([true, false])
})

test('no two benches of the page have one name, and an aim is never easier than what must be', () => {
  expect(new Set(benches.map(({ name }) => name)).size).toBe(benches.length)
  for (const { title, must, aim } of benches.flatMap(({ figures }) => figures))
    if (aim) expect(meets('most' in aim ? aim.most : aim.least, must), title).toBe(true)
})

test('every flag that a bench is called with is one it knows', () => {
  for (const { name, file, args, quick } of benches) {
    const source = readFileSync(path.join(import.meta.dirname, file), 'utf8')
    for (const flag of [...args, ...quick].filter((one) => one.startsWith('--')))
      expect(source, `${name} ${flag}`).toMatch(new RegExp(`'${flag}[ ']|'--no-${flag.slice(5)}'`))
  }
})
