import { expect, test } from 'vitest'
import { FromHub, ToHub } from '../src-main/contract/hub-messages.ts'
import { ControlMessage } from '../src-main/contract/peer-messages.ts'
import { SeededRandom } from '../src-main/testing/mutate.ts'
import { FuzzRun } from './fuzz-run.ts'
import { fuzzTargets } from './fuzz-targets.ts'

test(
  'everything that reads from outside refuses mutated messages with a code or takes them',
  { timeout: 120_000 },
  () => {
    const run = new FuzzRun(fuzzTargets(), new SeededRandom(7))
    run.feedEach(1500)
    expect(run.defects).toEqual([])
    expect(run.messages).toBe(1500 * run.tallies.length)
  }
)

test('valid messages are taken: the fuzzer starts from what the parsers know', () => {
  for (const { name, seeds, feed } of fuzzTargets())
    for (const seed of seeds) expect(() => feed(seed), name).not.toThrow()
})

test('every kind of message between agents and hubs is fuzzed, with every field it can have', () => {
  const fields = new Map<string, Set<string>>()
  for (const { seeds, json } of fuzzTargets())
    for (const seed of json ? seeds : []) {
      const message = JSON.parse(seed.toString()) as object
      if (!('t' in message) || typeof message.t !== 'string') continue
      fields.set(message.t, new Set([...(fields.get(message.t) ?? []), ...Object.keys(message)]))
    }
  const missing = [ControlMessage, ToHub, FromHub].flatMap(({ options }) =>
    options.flatMap(({ shape }) => {
      const t = shape.t.value
      return Object.keys(shape).flatMap((field) => (fields.get(t)?.has(field) ? [] : [`${t} ${field}`]))
    })
  )
  expect(missing).toEqual([])
})

test('no word of another PC can move a cursor, begin a line or turn the reading direction where it is shown', () => {
  const taken: string[] = []
  for (const { seeds, json } of fuzzTargets())
    for (const seed of json ? seeds : []) {
      const message = JSON.parse(seed.toString()) as Record<string, unknown>
      const schema = [ControlMessage, ToHub, FromHub].find((one) => one.safeParse(message).success)
      for (const [field, value] of schema ? Object.entries(message) : [])
        for (const evil of typeof value === 'string' ? ['a\u001b[2Jb', 'a\nb', 'a\u202eb'] : [])
          if (schema!.safeParse({ ...message, [field]: evil }).success) taken.push(`${String(message['t'])} ${field}`)
    }
  expect(taken).toEqual([])
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
