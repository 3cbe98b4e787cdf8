import { expect, test } from 'vitest'
import { AgentDouble } from '../testing/agent-double.ts'
import { Settings } from '../contract/settings.ts'
import type { AgentSnapshot } from '../contract/snapshot.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { keptLog } from '../testing/kept-log.ts'
import { mustStayAwake, WakeLock } from './wake-lock.ts'

const idle = new AgentDouble(
  { dataDir: '/nowhere', settings: Settings.parse({}), name: 'pc' },
  { clock: fakeClock(), log: keptLog(), env: {} }
).snapshot()
const uploads = [{} as AgentSnapshot['uploads'][number]]
const transfers = [{ state: 'active' } as AgentSnapshot['transfers'][number]]
const paused = { until: null, by: ['person' as const] }

test.each([
  ['idle', idle, false, false],
  ['while it serves', { ...idle, uploads }, false, true],
  ['while it downloads', { ...idle, transfers }, false, true],
  ['while its downloads are paused', { ...idle, transfers, paused }, false, false],
  ['on battery', { ...idle, uploads, transfers }, true, false],
  ['without an agent of its own', null, false, false]
] as const)('%s', (_what, snapshot, onBattery, awake) => {
  expect(mustStayAwake(snapshot, onBattery)).toBe(awake)
})

test('the system is held off sleep once, and let go again', () => {
  const calls: string[] = []
  const lock = new WakeLock({
    start: (kind) => (calls.push(kind), 7),
    stop: (id) => (calls.push(`stop ${id}`), true)
  })
  for (const snapshot of [idle, { ...idle, uploads }, { ...idle, uploads }, idle, idle]) lock.follow(snapshot, false)
  expect(calls).toEqual(['prevent-app-suspension', 'stop 7'])
})
