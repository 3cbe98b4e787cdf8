import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Settings, type SettingsInput } from '../contract/settings.ts'
import { LarderError } from '../lib/errors.ts'
import { AgentDouble } from '../testing/agent-double.ts'
import { runLocalAgent, type RunningAgent } from './local-agent.ts'

let dir: string
let doubles: AgentDouble[]
let running: RunningAgent[]
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'larder-local-'))
  doubles = []
  running = []
})
afterEach(async () => {
  for (const one of running) await one.stop()
  await rm(dir, { recursive: true })
})

async function run(
  settings: SettingsInput = {},
  prepare: (double: AgentDouble) => void = () => {},
  dataDir = join(dir, 'data')
): Promise<RunningAgent> {
  const one = await runLocalAgent({
    dataDir,
    name: 'pc-1',
    settings: Settings.parse({ ...settings, ports: { api: 0, ...settings.ports } }),
    createAgent: (config, host) => {
      const double = new AgentDouble(config, host)
      doubles.push(double)
      prepare(double)
      return double
    }
  })
  running.push(one)
  return one
}

const agentJson = async () => JSON.parse(await readFile(join(dir, 'data', 'agent.json'), 'utf8'))

test('a running agent can be found, and a stopped one leaves only what the next run needs', async () => {
  const { apiPort, stop } = await run()
  const double = doubles[0]!
  const { bootId, startedAt } = double.snapshot()
  expect(await agentJson()).toEqual({ pid: process.pid, apiPort, version: '0.1.0', apiVersion: 1, bootId, startedAt })
  expect((await stat(join(dir, 'data', 'agent.json'))).mode & 0o777).toBe(0o600)
  expect((await stat(join(dir, 'data', 'api-token'))).mode & 0o777).toBe(0o600)
  expect((await stat(join(dir, 'data'))).mode & 0o777).toBe(0o700)
  expect(double.config).toMatchObject({ name: 'pc-1', dataDir: join(dir, 'data') })
  expect(double.snapshot().ports.api).toBe(apiPort)
  await stop()
  await stop()
  expect([double.started, double.stopped]).toEqual([1, 1])
  expect((await readdir(join(dir, 'data'))).filter((name) => name === 'agent.json')).toEqual([])
  await expect(fetch(`http://127.0.0.1:${apiPort}/v1/version`)).rejects.toThrow()
})

test('the token is the same in the next run', async () => {
  await (await run()).stop()
  const token = await readFile(join(dir, 'data', 'api-token'), 'utf8')
  await run()
  expect(await readFile(join(dir, 'data', 'api-token'), 'utf8')).toBe(token)
})

test('a second agent on the folder is refused and disturbs nothing', async () => {
  const { apiPort } = await run()
  const before = await agentJson()
  await expect(run()).rejects.toMatchObject({ code: 'AGENT_ALREADY_RUNNING', details: { pid: process.pid } })
  expect(doubles).toHaveLength(1)
  expect(await agentJson()).toEqual(before)
  expect((await fetch(`http://127.0.0.1:${apiPort}/v1/version`)).status).toBe(200)
})

test('of two agents starting at once on one folder, one runs', async () => {
  const outcomes = await Promise.allSettled([run(), run()])
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
})

test('a taken API port is named, and nothing stays behind', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await new Promise((done) => other.once('listening', done))
  const { port } = other.address() as AddressInfo
  await expect(run({ ports: { api: port } })).rejects.toMatchObject({ code: 'PORT_TAKEN', details: { port } })
  expect([doubles[0]!.started, doubles[0]!.stopped]).toEqual([1, 1])
  expect(await readdir(join(dir, 'data'))).not.toContain('agent.json')
  other.close()
  await run()
})

test('an agent that cannot start lets go of the folder', async () => {
  const error = new LarderError('CACHE_UNUSABLE', 'no')
  await expect(run({}, (double) => (double.failStart = error))).rejects.toBe(error)
  await run()
})

test('agents on different folders do not disturb each other', async () => {
  const one = await run({}, undefined, join(dir, 'one'))
  const two = await run({}, undefined, join(dir, 'two'))
  expect(one.apiPort).not.toBe(two.apiPort)
})

test('the log is a file of JSON lines in the folder, complete after the stop', async () => {
  const { log, stop } = await run()
  log.warn({ url: 'http://u:p@h/x?token=1' }, 'late words')
  await stop()
  const lines = (await readFile(join(dir, 'data', 'log', 'larder.log'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(lines.map(({ msg }) => msg)).toEqual(['the agent is ready', 'late words'])
  expect(lines[1].url).toBe('http://h/x?[redacted]')
})
