import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RunningAgent } from '../api/local-agent.ts'
import { Settings } from '../contract/settings.ts'
import { dataPaths } from '../lib/data-paths.ts'
import { LarderError } from '../lib/errors.ts'
import { AgentDouble } from '../testing/agent-double.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { keptLog } from '../testing/kept-log.ts'
import { AgentLife } from './agent-life.ts'

let dir: string
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'larder-life-'))))
afterEach(() => rmSync(dir, { recursive: true, force: true }))

function setUp() {
  const clock = fakeClock()
  const agents: AgentDouble[] = []
  const world: { fail: Error | null; stop: (agent: AgentDouble) => Promise<void> } = {
    fail: null,
    stop: (agent) => agent.stop()
  }
  const life = new AgentLife(async (): Promise<RunningAgent> => {
    if (world.fail) throw world.fail
    const log = keptLog()
    const agent = new AgentDouble({ dataDir: dir, settings: Settings.parse({}), name: 'pc' }, { clock, log, env: {} })
    agents.push(agent)
    await agent.start()
    return {
      agent,
      paths: dataPaths(dir),
      apiPort: 1,
      gatewayPort: null,
      log,
      stop: () => world.stop(agent).then(() => [])
    }
  }, clock)
  return { clock, agents, world, life }
}

describe('the agent in the application', () => {
  test('goes from starting to running, and the snapshot with it', async () => {
    const { life, agents } = setUp()
    expect(life.message()).toMatchObject({ status: { state: 'starting' }, snapshot: null })
    expect(() => life.agent()).toThrow(expect.objectContaining({ code: 'SHUTTING_DOWN' }))
    await life.start()
    expect(life.agent()).toBe(agents[0])
    expect(life.message()).toMatchObject({ status: { state: 'running' }, snapshot: { name: 'pc' } })
  })

  test('that cannot start is a state with its reason, and can be started again', async () => {
    const { life, world } = setUp()
    world.fail = new LarderError('AGENT_ALREADY_RUNNING', 'Another one runs', { pid: 7 })
    await life.start()
    expect(life.status).toMatchObject({ state: 'failed', error: { code: 'AGENT_ALREADY_RUNNING' } })
    expect(() => life.agent()).toThrow(expect.objectContaining({ code: 'AGENT_ALREADY_RUNNING' }))
    await expect(life.restart()).rejects.toMatchObject({ code: 'AGENT_ALREADY_RUNNING' })
    world.fail = null
    await life.restart()
    expect(life.status).toEqual({ state: 'running' })
  })

  test('is ended before the next one starts', async () => {
    const { life, agents } = setUp()
    await life.start()
    await life.restart()
    expect(agents.map(({ started, stopped }) => [started, stopped])).toEqual([
      [1, 1],
      [1, 0]
    ])
    expect(life.agent()).toBe(agents[1])
  })

  test('tells changes at most every 100 ms, with numbers that only grow', async () => {
    const { life, clock, agents } = setUp()
    const numbers: number[] = []
    life.on('changed', () => numbers.push(life.newest.n))
    await life.start()
    await clock.pass(100)
    expect(numbers).toHaveLength(1)
    for (let i = 0; i < 50; i++) {
      agents[0]!.change({ paused: null })
      await clock.pass(10)
    }
    await clock.pass(100)
    expect(numbers.length).toBeGreaterThanOrEqual(5)
    expect(numbers.length).toBeLessThanOrEqual(7)
    expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b))
  })

  test('is listened to no longer once it has been replaced', async () => {
    const { life, agents } = setUp()
    const events: string[] = []
    life.on('event', ({ text }) => events.push(text))
    await life.start()
    await life.restart()
    agents[0]!.happen('warning', 'old')
    agents[1]!.happen('warning', 'new')
    expect(events).toEqual(['new'])
  })

  test('that does not end is left behind after the deadline', async () => {
    const { life, clock, world } = setUp()
    world.stop = () => new Promise(() => {})
    await life.start()
    const stopped = life.stop(5000)
    await clock.pass(4999)
    let answer: boolean | null = null
    void stopped.then((value) => (answer = value))
    await clock.pass(0)
    expect(answer).toBeNull()
    await clock.pass(1)
    expect(await stopped).toBe(false)
  })

  test('does not start any more once it was told to stop', async () => {
    const { life, agents } = setUp()
    expect(await life.stop(5000)).toBe(true)
    await life.start()
    expect(agents).toEqual([])
  })
})
