import { expect, test } from 'vitest'
import type { PeerId } from '../contract/ids.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { SILENT_FOR_MS, SilentHubs } from './silent-hubs.ts'

const hub = 'a'.repeat(64) as PeerId

test('a hub that does not decide is left out for a while, or until it says something', async () => {
  const clock = fakeClock()
  const silent = new SilentHubs(clock)
  expect([silent.has(hub), silent.noteHeard(hub)]).toEqual([false, false])
  expect([silent.noteSilent(hub), silent.noteSilent(hub), silent.has(hub)]).toEqual([true, false, true])
  expect([silent.noteHeard(hub), silent.has(hub)]).toEqual([true, false])
  silent.noteSilent(hub)
  await clock.pass(SILENT_FOR_MS - 1)
  expect(silent.has(hub)).toBe(true)
  await clock.pass(1)
  expect(silent.has(hub)).toBe(false)
})
