import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import type { Answer } from './exchange.ts'
import { HeldAnswers } from './held-answers.ts'
import type { OriginVersion } from './origin.ts'

test('an answer is there for whoever is slow to ask for its bytes, once, and not for ever', async () => {
  const clock = fakeClock()
  const held = new HeldAnswers(clock)
  const version = {} as OriginVersion
  const answer = { body: Readable.from(['bytes']) } as unknown as Answer
  held.keep(version, answer)
  await clock.pass(20_000)
  expect(held.take(version)).toBe(answer)
  expect(held.take(version)).toBeUndefined()

  held.keep(version, answer)
  await clock.pass(60_000)
  expect(held.take(version)).toBeUndefined()
  expect(answer.body.destroyed).toBe(true)
})
