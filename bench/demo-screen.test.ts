import fc from 'fast-check'
import { expect, test } from 'vitest'
import { coloured, columns, drawScene, drawSummary, isRight, newsBetween, plain, plainProgress } from './demo-screen.ts'
import type { AgentProgress, SiteOutcome, SiteProgress } from './site-run.ts'

const MIB = 1024 ** 2
const agent = (over: Partial<AgentProgress>): AgentProgress => ({
  name: 'pc-1',
  state: 'working',
  role: 'follower',
  totalBytes: 100 * MIB,
  haveBytes: 50 * MIB,
  originBytes: 0,
  peerBytes: 50 * MIB,
  rateBytesPerSecond: 6 * MIB,
  note: '',
  ...over
})
const at = (seconds: number, ...agents: AgentProgress[]): SiteProgress => ({ seconds, agents })

test('the scene fits into 80 columns whatever the numbers are', () => {
  fc.assert(
    fc.property(
      fc.record({
        state: fc.constantFrom('asked', 'working', 'done', 'failed', 'killed') as fc.Arbitrary<AgentProgress['state']>,
        role: fc.constantFrom('none', 'master', 'follower', 'direct') as fc.Arbitrary<AgentProgress['role']>,
        totalBytes: fc.nat({ max: 2 ** 42 }),
        haveBytes: fc.nat({ max: 2 ** 42 }),
        originBytes: fc.nat({ max: 2 ** 42 }),
        peerBytes: fc.nat({ max: 2 ** 42 }),
        rateBytesPerSecond: fc.nat({ max: 2 ** 34 })
      }),
      fc.integer({ min: 1, max: 30 }),
      (over, number) => {
        const scene = drawScene(
          {
            agents: 30,
            sizeBytes: 999 * MIB,
            rateMbit: 1000,
            progress: at(1234.5, agent({ ...over, name: `pc-${number}` })),
            news: []
          },
          coloured
        )
        for (const line of scene.split('\n')) expect(columns(line)).toBeLessThanOrEqual(80)
      }
    )
  )
})

test('the master has a star, the killed a cross, the finished a tick', () => {
  const scene = drawScene(
    {
      agents: 3,
      sizeBytes: MIB,
      rateMbit: 50,
      progress: at(
        1,
        agent({ role: 'master' }),
        agent({ name: 'pc-2', state: 'killed', role: 'master' }),
        agent({ name: 'pc-3', state: 'done' })
      ),
      news: ['hello']
    },
    plain
  )
  expect(scene).toMatch(/★ pc-1 {3}master/)
  expect(scene).toMatch(/✖ pc-2 {3}killed/)
  expect(scene).toMatch(/✔ pc-3 {3}done/)
  expect(scene).toContain('hello')
})

test('without colours nothing but text is written', () => {
  const scene = drawScene(
    { agents: 1, sizeBytes: MIB, rateMbit: null, progress: at(1, agent({})), news: ['a', 'b'] },
    plain
  )
  // eslint-disable-next-line no-control-regex
  expect(scene).not.toMatch(/\u001b/)
})

test('the news are about elections and ends, each once', () => {
  const before = at(1, agent({ role: 'none' }), agent({ name: 'pc-2' }))
  const after = at(2, agent({ role: 'master' }), agent({ name: 'pc-2', state: 'done' }))
  expect(newsBetween(before, after).map((line) => line.replace(/^ *2\.0 s {2}/, ''))).toEqual([
    'pc-1 was elected master: it downloads from the WAN for all',
    'pc-2 has everything'
  ])
  expect(newsBetween(after, after)).toEqual([])
})

test('without a terminal each moment is one line', () => {
  expect(plainProgress(at(3, agent({ role: 'master' }), agent({ name: 'pc-2', state: 'killed' })))).toBe(
    '  3.0 s  pc-1 50 % (master)  pc-2 killed'
  )
})

const outcome = (wrongFiles: number): SiteOutcome => {
  const one = {
    doneSeconds: 17,
    firstByteMs: 90,
    originBytes: 0,
    peerBytes: 0,
    peakRssMiB: 1,
    cpuSeconds: 1,
    eventLoopP99Ms: 1,
    farBytes: 0,
    notes: []
  }
  return {
    figures: {
      originRatio: 1.0123,
      firstSeconds: 17,
      lastSeconds: 17.5,
      lagSeconds: 0,
      takeoverSeconds: 0.81,
      killedAtSeconds: 8,
      wrongFiles,
      failedRequests: 0,
      cpuSecondsPerGiB: 1,
      peakRssMiB: 1,
      eventLoopP99Ms: 1,
      electionMs: 1
    },
    perAgent: [
      { ...one, name: 'pc-1', killed: true, wrongFiles: 0 },
      { ...one, name: 'pc-2', killed: false, wrongFiles: 0 },
      { ...one, name: 'pc-3', killed: false, wrongFiles }
    ],
    origin: { contentBytes: 101 * MIB, requests: 2, paths: {} },
    killed: 'pc-1'
  }
}
const facts = {
  sizeBytes: 100 * MIB,
  optimumSeconds: 16.8,
  baseline: { how: 'arithmetic', originRatio: 3, lastSeconds: 50.3, wrongFiles: 0 }
} as const

test('the summary says what it cost and what it would have cost, in 80 columns', () => {
  const summary = drawSummary(outcome(0), facts, plain)
  expect(summary).toContain('2 of 2 files')
  expect(summary).toContain('× 1.012')
  expect(summary).toContain('0.81 s')
  expect(summary).toContain('without Larder 50.3 s (computed)')
  for (const line of summary.split('\n')) expect(columns(line)).toBeLessThanOrEqual(80)
})

test('one wrong file makes the demo fail', () => {
  expect(isRight(outcome(0))).toBe(true)
  expect(isRight(outcome(1))).toBe(false)
  expect(drawSummary(outcome(1), facts, plain)).toContain('only 1 of 2 files are right')
})
