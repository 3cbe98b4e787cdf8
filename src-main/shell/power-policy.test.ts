import { describe, expect, test } from 'vitest'
import { Settings } from '../contract/settings.ts'
import { AgentDouble } from '../testing/agent-double.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { keptLog } from '../testing/kept-log.ts'
import { PowerPolicy } from './power-policy.ts'

function setUp({ pauseOnBattery = false } = {}) {
  const clock = fakeClock()
  const agent = new AgentDouble(
    { dataDir: '/nowhere', settings: Settings.parse({}), name: 'pc' },
    { clock, log: keptLog(), env: {} }
  )
  let refreshed = 0
  agent.refresh = () => void refreshed++
  const settings = { pauseOnBattery }
  const policy = new PowerPolicy({ agent: () => agent, pauseOnBattery: () => settings.pauseOnBattery, clock })
  return { clock, agent, policy, settings, paused: () => agent.snapshot().paused, refreshed: () => refreshed }
}

describe('power', () => {
  test('pauses before sleep, for a minute at most should waking up go unnoticed', () => {
    const { clock, policy, paused, refreshed } = setUp()
    policy.suspended()
    expect(paused()).toEqual({ until: clock.wallMs() + 60_000, by: ['asleep'] })
    policy.resumed()
    expect(paused()).toBeNull()
    expect(refreshed()).toBe(1)
  })

  test('leaves a pause of a person alone', () => {
    const { agent, policy, paused } = setUp({ pauseOnBattery: true })
    agent.pauseAll(null)
    policy.suspended()
    policy.powerChanged(true)
    policy.resumed()
    policy.powerChanged(false)
    expect(paused()).toEqual({ until: null, by: ['person'] })
  })

  test('a pause for battery ends with the battery, also when a person has paused and lets go on in between', () => {
    const { clock, agent, policy, paused } = setUp({ pauseOnBattery: true })
    policy.suspended()
    policy.powerChanged(true)
    agent.pauseAll(clock.wallMs() + 1000)
    policy.resumed()
    expect(paused()?.by).toEqual(['battery', 'person'])
    policy.powerChanged(false)
    expect(paused()?.by).toEqual(['person'])
  })

  test('pauses on battery only where that is wanted', () => {
    const { policy, settings, paused } = setUp()
    policy.powerChanged(true)
    expect(paused()).toBeNull()
    settings.pauseOnBattery = true
    policy.settingChanged()
    expect(paused()).toEqual({ until: null, by: ['battery'] })
    settings.pauseOnBattery = false
    policy.settingChanged()
    expect(paused()).toBeNull()
  })

  test('stays paused on battery after a sleep, until there is mains again', () => {
    const { policy, paused } = setUp({ pauseOnBattery: true })
    policy.suspended()
    policy.powerChanged(true)
    policy.resumed()
    expect(paused()).toEqual({ until: null, by: ['battery'] })
    policy.powerChanged(false)
    expect(paused()).toBeNull()
  })

  test('leaves alone what a person has let go on, until there was mains in between', () => {
    const { agent, policy, paused } = setUp({ pauseOnBattery: true })
    policy.powerChanged(true)
    agent.resumeAll()
    policy.settingChanged()
    policy.powerChanged(true)
    expect(paused()).toBeNull()
    policy.powerChanged(false)
    policy.powerChanged(true)
    expect(paused()).toEqual({ until: null, by: ['battery'] })
  })

  test('an agent that starts again knows nothing of the one before', () => {
    const { policy, agent, paused } = setUp({ pauseOnBattery: true })
    policy.agentStarted(false)
    expect(paused()).toBeNull()
    policy.agentStarted(true)
    expect(paused()).toEqual({ until: null, by: ['battery'] })
    agent.resumeAll()
    expect(paused()).toBeNull()
  })

  test('an agent that starts again on battery pauses, too, where the system does not tell and only a look has seen it', () => {
    const { policy, agent, paused } = setUp({ pauseOnBattery: true })
    policy.batterySeen(true)
    // As a new agent is: held by nobody.
    agent.releasePause('battery')
    policy.agentStarted(null)
    expect([policy.onBattery, paused()]).toEqual([true, { until: null, by: ['battery'] }])
    policy.batterySeen(false)
    expect(paused()).toBeNull()
  })

  test('does nothing while there is no agent', () => {
    const policy = new PowerPolicy({ agent: () => null, pauseOnBattery: () => true, clock: fakeClock() })
    policy.suspended()
    policy.powerChanged(true)
    policy.resumed()
  })
})
