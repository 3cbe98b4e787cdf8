import { spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startAgentRig, type AgentRig } from '../testing/agent-rig.ts'
import { proofMessage } from '../contract/api.ts'
import { connect } from './connection.ts'
import { detectAgent, findAgent } from './detect.ts'

let dir: string
let undo: (() => unknown)[]
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'larder-detect-'))
  undo = [() => rm(dir, { recursive: true })]
})
afterEach(async () => {
  for (const step of undo.reverse()) await step()
})

const rigOf = async (options: Parameters<typeof startAgentRig>[0] = {}): Promise<AgentRig> => {
  const rig = await startAgentRig(options)
  undo.push(() => rig.close())
  return rig
}

const token = 'ab'.repeat(32)

const agentFile = (port: number, pid: number) =>
  JSON.stringify({ pid, apiPort: port, version: '9', apiVersion: 1, bootId: 'x', startedAt: 1 })

const proofOf = (url: string, port: number) =>
  createHmac('sha256', token)
    .update(proofMessage(new URL(url, 'http://a').searchParams.get('challenge')!, port))
    .digest('hex')

/** Number of a process that has just ended. */
async function endedPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '0'])
  await once(child, 'close')
  return child.pid!
}

async function silentPort(): Promise<number> {
  const server = createTcpServer((socket) => void undo.push(() => socket.destroy())).listen(0, '127.0.0.1')
  await once(server, 'listening')
  undo.push(() => server.close())
  return (server.address() as AddressInfo).port
}

/** A data folder that names `port` as the agent's. */
async function pretend(port: number, pid = process.pid): Promise<string> {
  await mkdir(dir, { recursive: true })
  await writeFile(join(dir, 'agent.json'), agentFile(port, pid))
  await writeFile(join(dir, 'api-token'), token)
  return dir
}

async function listen(answer: RequestListener): Promise<{ port: number; server: Server }> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await new Promise((done) => server.once('listening', done))
  undo.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, server }
}

test('a running agent is supported', async () => {
  const { dataDir } = await rigOf()
  expect(await detectAgent({ dataDir })).toEqual({
    state: 'supported',
    version: '0.1.0',
    apiVersion: 1,
    defaultStaggerRangeSeconds: 300,
    why: 'The agent 0.1.0 is running.'
  })
})

test('an agent outside the versions the caller works with is unsupported', async () => {
  const { dataDir } = await rigOf()
  expect(await detectAgent({ dataDir, supported: { min: 2, max: 3 } })).toMatchObject({
    state: 'unsupported',
    apiVersion: 1
  })
  await expect(connect({ dataDir, supported: { min: 2, max: 3 } })).rejects.toMatchObject({ code: 'AGENT_UNSUPPORTED' })
  expect(await detectAgent({ dataDir, supported: { min: 0, max: 1 } })).toMatchObject({ state: 'supported' })
})

test('an agent whose integration is off says so, tells the stagger range, and can still be talked to', async () => {
  const { dataDir } = await rigOf({ settings: { integration: { enabled: false, defaultStaggerRangeSeconds: 7 } } })
  expect(await detectAgent({ dataDir })).toMatchObject({ state: 'integration-off', defaultStaggerRangeSeconds: 7 })
  expect((await (await connect({ dataDir })).setIntegration(true, { by: 'me' })).integration).toMatchObject({
    enabled: true,
    by: 'me'
  })
  expect(await detectAgent({ dataDir })).toMatchObject({ state: 'supported' })
})

describe('the agent is absent', () => {
  const absent = { state: 'absent', version: null, apiVersion: null, defaultStaggerRangeSeconds: null }

  test('when there is no data folder, or it names none', async () => {
    expect(await detectAgent({ dataDir: join(dir, 'none') })).toMatchObject(absent)
    expect(await detectAgent({ dataDir: dir })).toMatchObject(absent)
    await expect(connect({ dataDir: dir })).rejects.toMatchObject({ code: 'AGENT_NOT_RUNNING' })
  })

  test('when it has stopped, or died leaving its files', async () => {
    const { dataDir, running } = await rigOf()
    await running.stop()
    expect(await detectAgent({ dataDir })).toMatchObject(absent)
    const { port, server } = await listen(() => {})
    await new Promise((done) => server.close(done))
    expect(await detectAgent({ dataDir: await pretend(port) })).toMatchObject(absent)
  })

  test('when its files are damaged', async () => {
    await pretend(1)
    await writeFile(join(dir, 'agent.json'), '{"pid": ')
    expect(await detectAgent({ dataDir: dir })).toMatchObject(absent)
    await pretend(1)
    await writeFile(join(dir, 'api-token'), 'short')
    expect(await detectAgent({ dataDir: dir })).toMatchObject(absent)
  })

  test('when something else listens at its port, which never sees the token', async () => {
    const seen: string[] = []
    const { port } = await listen((request, response) => {
      seen.push(JSON.stringify([request.url, request.headers]))
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({
          name: 'larder',
          version: '0.1.0',
          apiVersion: 1,
          integration: { enabled: true, defaultStaggerRangeSeconds: 1 },
          proof: 'ab'.repeat(32)
        })
      )
    })
    await pretend(port)
    expect(await detectAgent({ dataDir: dir })).toMatchObject({
      ...absent,
      why: expect.stringContaining('not the agent')
    })
    await expect(connect({ dataDir: dir })).rejects.toMatchObject({ code: 'AGENT_NOT_RUNNING' })
    expect(seen).toHaveLength(2)
    expect(seen.join()).not.toContain(token)
  })

  test.each<[string, RequestListener]>([
    ['HTML', (_request, response) => response.end('<html>')],
    ['other JSON', (_request, response) => response.end('{"name": "something"}')],
    ['an error', (_request, response) => response.writeHead(500).end()],
    ['a redirect', (_request, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
    ['a broken connection', (request) => request.socket.destroy()]
  ])('when what answers is %s', async (_what, answer) => {
    expect(await detectAgent({ dataDir: await pretend((await listen(answer)).port) })).toMatchObject(absent)
  })

  test('when what listens never answers and its process is gone', async () => {
    const dataDir = await pretend(await silentPort(), await endedPid())
    expect((await findAgent({ dataDir }, { processGoneMs: 1, processLivesMs: 60_000 })).detection).toMatchObject({
      ...absent,
      why: 'The agent has not answered for 0.001 s.'
    })
  })
})

test('an agent whose process lives is waited for longer than a listener without one', async () => {
  const { port } = await listen((request, response) => {
    const proof = proofOf(request.url!, port)
    const integration = { enabled: true, defaultStaggerRangeSeconds: 1 }
    // The millisecond that an absent one has is over before this is sent.
    setTimeout(() => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ name: 'larder', version: '9', apiVersion: 1, integration, proof }))
    }, 20)
  })
  const waits = { processGoneMs: 1, processLivesMs: 60_000 }
  expect((await findAgent({ dataDir: await pretend(port) }, waits)).detection).toMatchObject({ state: 'supported' })
  const dead = await pretend(port, await endedPid())
  expect((await findAgent({ dataDir: dead }, waits)).detection).toMatchObject({ state: 'absent' })
})

test('one that lives and does not answer is busy, not absent', async () => {
  const dataDir = await pretend(await silentPort())
  expect((await findAgent({ dataDir }, { processGoneMs: 60_000, processLivesMs: 1 })).detection).toMatchObject({
    state: 'busy',
    version: null
  })
})
