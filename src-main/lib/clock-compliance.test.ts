import { describeClock } from '../testing/clock-compliance.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { jumpingClock } from '../testing/jumping-clock.ts'
import { AwakeClock } from './awake-clock.ts'
import { systemClock } from './clock.ts'

const really = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

describeClock('clock of the system', () => ({ clock: systemClock, pass: really }))
describeClock('clock that can be set', () => ({ clock: jumpingClock(), pass: really }))
describeClock('clock that runs while the process does', () => ({
  clock: new AwakeClock(systemClock),
  pass: really
}))
describeClock('clock of tests', () => {
  const clock = fakeClock()
  return { clock, pass: (ms) => clock.pass(ms) }
})
describeClock('clock that runs while the process does, over that of tests', () => {
  const clock = fakeClock()
  return { clock: new AwakeClock(clock), pass: (ms) => clock.pass(ms) }
})
