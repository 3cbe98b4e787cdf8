import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { PauseSwitch } from './pause-switch.ts'

const DAY = 24 * 3600_000
let dir: string
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'larder-pause-'))))
afterEach(() => rm(dir, { recursive: true, force: true }))

test('ends by itself to the second after a day, and after 30 days too', async () => {
  for (const days of [1, 30]) {
    const clock = fakeClock()
    let ended = 0
    const pause = await PauseSwitch.open(dir, clock, (paused) => (ended += paused ? 0 : 1))
    pause.hold('person', clock.wallMs() + days * DAY)
    await clock.pass(days * DAY - 1000)
    expect([pause.state === null, ended]).toEqual([false, 0])
    await clock.pass(1000)
    expect([pause.state === null, ended]).toEqual([true, 1])
    await pause.close()
  }
})

test('the time a PC slept counts', async () => {
  const clock = fakeClock()
  let ended = 0
  const pause = await PauseSwitch.open(dir, clock, (paused) => (ended += paused ? 0 : 1))
  pause.hold('person', clock.wallMs() + DAY)
  clock.jumpWall(DAY)
  await clock.pass(20_000)
  expect([pause.state, ended]).toEqual([null, 1])
  await pause.close()
})

test('survives a restart, and is over when its time passed meanwhile', async () => {
  const clock = fakeClock()
  const first = await PauseSwitch.open(dir, clock, () => {})
  first.hold('person', clock.wallMs() + DAY)
  const { state } = first
  await first.close()
  const second = await PauseSwitch.open(dir, clock, () => {})
  expect(second.state).toEqual(state)
  await second.close()
  clock.jumpWall(2 * DAY)
  expect((await PauseSwitch.open(dir, clock, () => {})).state).toBe(null)
})

test('until resumed means until resumed', async () => {
  const clock = fakeClock()
  const turned: boolean[] = []
  const pause = await PauseSwitch.open(dir, clock, (paused) => turned.push(paused))
  pause.hold('person', null)
  await clock.pass(40 * DAY)
  expect(pause.state).toEqual({ until: null, by: ['person'] })
  expect([pause.resume(), pause.resume(), turned]).toEqual([true, false, [true, false]])
  await pause.close()
  expect((await PauseSwitch.open(dir, clock, () => {})).state).toBe(null)
})

test('a damaged file means no pause', async () => {
  for (const text of ['', '{', '{"until":"x"}', 'x'.repeat(3000)]) {
    await writeFile(join(dir, 'pause.json'), text)
    expect((await PauseSwitch.open(dir, fakeClock(), () => {})).state).toBe(null)
  }
})

test('a pause for battery does not outlive the run that held it, a person’s does', async () => {
  const clock = fakeClock()
  const first = await PauseSwitch.open(dir, clock, () => {})
  first.hold('battery', null)
  await first.close()
  const second = await PauseSwitch.open(dir, clock, () => {})
  expect(second.state).toBeNull()
  second.hold('battery', null)
  second.hold('person', null)
  await second.close()
  const third = await PauseSwitch.open(dir, clock, () => {})
  expect(third.state).toEqual({ until: null, by: ['person'] })
  await third.close()
})

test('each holder has its own pause: what one lets go on another still holds', async () => {
  const clock = fakeClock()
  const turned: boolean[] = []
  const pause = await PauseSwitch.open(dir, clock, (paused) => turned.push(paused))
  pause.hold('person', clock.wallMs() + DAY)
  pause.hold('battery', null)
  expect(pause.state).toEqual({ until: null, by: ['person', 'battery'] })
  pause.release('battery')
  expect(pause.state).toEqual({ until: clock.wallMs() + DAY, by: ['person'] })
  pause.hold('battery', null)
  await clock.pass(2 * DAY)
  expect(pause.state).toEqual({ until: null, by: ['battery'] })
  pause.release('battery')
  expect([pause.state, turned]).toEqual([null, [true, false]])
  await pause.close()
})
