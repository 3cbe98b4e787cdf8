import { expect, test } from 'vitest'
import { SeededRandom } from '../src-main/testing/mutate.ts'
import { FuzzRun } from './fuzz-run.ts'
import { fuzzTargets } from './fuzz-targets.ts'

test('everything that reads from outside refuses mutated messages with a code or takes them', () => {
  const run = new FuzzRun(fuzzTargets(), new SeededRandom(7))
  run.feedEach(1500)
  expect(run.defects).toEqual([])
  expect(run.messages).toBe(1500 * run.tallies.length)
})

test('valid messages are taken: the fuzzer starts from what the parsers know', () => {
  for (const { name, seeds, feed } of fuzzTargets())
    for (const seed of seeds) expect(() => feed(seed), name).not.toThrow()
})

test('a crash is found, told once with its message, and does not end the run', () => {
  const fragile = {
    name: 'fragile',
    seeds: [Buffer.from('abc')],
    feed: (bytes: Buffer) => void (bytes.length > 3 && Buffer.alloc(-1))
  }
  const run = new FuzzRun([fragile], new SeededRandom(7))
  run.feedEach(200)
  expect(run.tallies).toMatchObject([{ messages: 200 }])
  expect(run.tallies[0]!.defects).toBeGreaterThan(10)
  expect(run.defects).toHaveLength(1)
  expect(() => fragile.feed(Buffer.from(run.defects[0]!.message, 'base64'))).toThrow(RangeError)
})

test('the same seed makes the same messages', () => {
  const messages = (seed: number): string[] => {
    const seen: string[] = []
    new FuzzRun(
      [
        {
          name: 'seen',
          seeds: [Buffer.from('{"a":[1,2]}')],
          json: true,
          feed: (bytes) => void seen.push(bytes.toString('hex'))
        }
      ],
      new SeededRandom(seed)
    ).feedEach(100)
    return seen
  }
  expect(messages(3)).toEqual(messages(3))
  expect(messages(3)).not.toEqual(messages(4))
})
