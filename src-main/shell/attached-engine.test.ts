import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Answer, AppInfo } from '../contract/commands.ts'
import type { RequestView } from '../contract/request.ts'
import { systemClock } from '../lib/clock.ts'
import { startAgentRig, type AgentRig } from '../testing/agent-rig.ts'
import { AttachedEngine } from './attached-engine.ts'

const nothing = () => Promise.reject(new Error('not here'))
const data = Buffer.from('content of the file '.repeat(5000))
let dir: string
let place: string
let rig: AgentRig
let engine: AttachedEngine
/** Folders that were opened. */
const opened: string[] = []
const valueOf = (answer: Answer): unknown => {
  if (!answer.ok) throw new Error(`${answer.error.code}: ${answer.error.message}`)
  return answer.value
}
const serve = (double: AgentRig['double']) => {
  double.on('request', () => double.change({}))
  double.onRequest = ({ id }) => double.finish(id, data)
}

if (process.platform === 'win32')
  console.log('skipped: the window at the agent of all users: there is no such agent on Windows yet')

describe.skipIf(process.platform === 'win32')('the window at the agent of all users of the PC', () => {
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'larder-attached-'))
    place = join(dir, 'run')
    rig = await startAgentRig({ machine: { place } })
    engine = new AttachedEngine({
      clock: systemClock,
      detect: { machinePlace: place, dataDir: join(dir, 'anna') },
      shell: {
        'shell.copyText': () => ({}),
        'shell.openFile': ({ requestId }, agent) => ({ opened: agent().requestView(requestId).destination !== null }),
        'shell.openCacheFolder': (_command, agent) => (opened.push(agent().cache.dir), {})
      },
      info: { version: '1', runtime: 'app', platform: 'linux', versions: {}, dataDir: '/d', logDir: '/l' },
      appSettings: { list: () => [], set: nothing, unset: nothing },
      onDefect: (what, error) => expect.unreachable(`${what}: ${String(error)}`)
    })
    await engine.start()
    await vi.waitFor(() => expect(engine.newest.snapshot).not.toBeNull(), 15_000)
  })
  afterAll(async () => {
    await engine?.stop(5000)
    await rig?.close()
    rmSync(dir, { recursive: true, force: true })
  })

  test('shows the agent’s state and carries its commands there; the desktop’s it does itself', async () => {
    expect(engine.status).toEqual({ state: 'running' })
    expect(engine.newest.snapshot?.agentId).toBe(rig.double.snapshot().agentId)
    const { commands, runtime } = valueOf(await engine.dispatch({ c: 'app.info' })) as AppInfo
    expect(runtime).toBe('app')
    expect(commands).toEqual(expect.arrayContaining(['request.start', 'shell.copyText']))
    expect(commands).not.toContain('agent.restart')
    expect(await engine.dispatch({ c: 'no.such' })).toMatchObject({ ok: false, error: { code: 'BAD_REQUEST' } })
  })

  test('puts a download where the person wants it, and shows it as delivered once it is there', async () => {
    serve(rig.double)
    const destination = join(dir, 'file.bin')
    const { id, ...begun } = valueOf(
      await engine.dispatch({ c: 'request.start', spec: { url: 'http://origin.test/file', destination } })
    ) as RequestView
    expect(begun.destination).toBe(destination)
    expect(rig.double.requestView(id).destination).toBeNull()
    const shown = () => engine.message().snapshot?.requests.find((request) => request.id === id)
    await vi.waitFor(() => expect(shown()).toMatchObject({ state: 'done', destination }), 15_000)
    expect(readFileSync(destination).equals(data)).toBe(true)
    expect(valueOf(await engine.dispatch({ c: 'shell.openFile', requestId: id }))).toEqual({ opened: true })
  })

  test('the desktop opens the folder of the agent’s cache', async () => {
    valueOf(await engine.dispatch({ c: 'shell.openCacheFolder' }))
    expect(opened).toEqual([rig.double.snapshot().cache.dir])
  })

  test('a destination that cannot be is refused before the agent is asked', async () => {
    const before = rig.double.requests().length
    const answer = await engine.dispatch({
      c: 'request.start',
      spec: { url: 'http://origin.test/file', destination: join(dir, 'no', 'folder', 'x') }
    })
    expect(answer).toMatchObject({ ok: false, error: { code: 'DESTINATION_INVALID' } })
    expect(rig.double.requests()).toHaveLength(before)
  })

  test('what the tray pauses is paused at the agent', async () => {
    await engine.act({ do: 'pause', forMs: null })
    expect(rig.double.paused).toBe(true)
    await engine.act({ do: 'resume' })
    expect(rig.double.paused).toBe(false)
  })

  test('goes on by itself when the agent is started again; meanwhile it says that it waits', async () => {
    const former = engine.newest.snapshot?.bootId
    await rig.close()
    await vi.waitFor(() => expect(engine.status).toEqual({ state: 'starting' }), 15_000)
    expect(await engine.dispatch({ c: 'all.pause' })).toMatchObject({ ok: false, error: { code: 'SHUTTING_DOWN' } })
    rig = await startAgentRig({ machine: { place } })
    await vi.waitFor(() => expect(engine.status).toEqual({ state: 'running' }), 15_000)
    await vi.waitFor(() => expect(engine.newest.snapshot?.bootId).toBe(rig.double.snapshot().bootId), 15_000)
    expect(engine.newest.snapshot?.bootId).not.toBe(former)
    serve(rig.double)
    const destination = join(dir, 'after.bin')
    valueOf(await engine.dispatch({ c: 'request.start', spec: { url: 'http://origin.test/file', destination } }))
    await vi.waitFor(() => expect(readFileSync(destination).equals(data)).toBe(true), 15_000)
  })
})
