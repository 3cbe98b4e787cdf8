import { tmpdir } from 'node:os'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { commandNames, type AppInfo, type CommandName, type SnapshotMessage } from '../contract/commands.ts'
import type { RequestId } from '../contract/ids.ts'
import { Settings } from '../contract/settings.ts'
import { LarderError } from '../lib/errors.ts'
import { AgentDouble } from '../testing/agent-double.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { keptLog } from '../testing/kept-log.ts'
import type { SettingsDesk, ShellActions } from '../operations/operation-host.ts'
import { createDispatch, type Dispatch } from './dispatch.ts'

const clock = fakeClock()
const info: Omit<AppInfo, 'commands'> = {
  version: '1.2.3',
  runtime: 'app',
  platform: 'linux',
  versions: {},
  dataDir: '/d',
  logDir: '/d/log'
}
const notThere = (name: string): never => {
  throw new LarderError('NOT_FOUND', name)
}
const noSettings: SettingsDesk = { list: () => [], problems: () => [], set: notThere, unset: notThere }

let agent: AgentDouble
let verifying: SnapshotMessage['verifying'][]
let defects: unknown[]
let dispatch: Dispatch

function make(shell: Partial<ShellActions> = {}): Dispatch {
  return createDispatch({
    source: {
      agent: () => agent,
      message: () => ({ run: 'r', n: 1, status: { state: 'running' }, snapshot: agent.snapshot(), verifying: null })
    },
    settings: noSettings,
    shell,
    info,
    clock,
    onDefect: (_command, error) => void defects.push(error)
  })
}

async function value(command: object): Promise<unknown> {
  const answer = await dispatch(command, 'anna')
  if (!answer.ok) throw LarderError.fromView(answer.error)
  return answer.value
}
const code = async (command: unknown) => {
  const answer = await dispatch(command, 'anna')
  return answer.ok ? 'ok' : answer.error.code
}

beforeEach(async () => {
  agent = new AgentDouble(
    { dataDir: tmpdir(), settings: Settings.parse({}), name: 'pc' },
    { clock, log: keptLog(), env: {} }
  )
  await agent.start()
  verifying = []
  agent.cache.on('verifying', (progress) => void verifying.push(progress))
  defects = []
  dispatch = make()
})

describe('a command', () => {
  test('of a request reaches the agent with its defaults filled in', async () => {
    const view = (await value({ c: 'request.start', spec: { url: 'http://o/f' } })) as { id: RequestId }
    expect(agent.specs).toMatchObject([{ url: 'http://o/f', kind: 'resource', overwrite: true }])
    expect(await value({ c: 'request.pause', id: view.id })).toMatchObject({ state: 'paused' })
    expect(await value({ c: 'request.resume', id: view.id })).toMatchObject({ state: 'waiting' })
    expect(await value({ c: 'request.cancel', id: view.id })).toMatchObject({ state: 'cancelled' })
    expect(await code({ c: 'request.cancel', id: 'r-00000000' })).toBe('NOT_FOUND')
  })

  test('to start is refused while the integration is off', async () => {
    await value({ c: 'integration.set', enabled: false })
    expect(agent.snapshot().integration).toMatchObject({ enabled: false, by: 'anna' })
    expect(await code({ c: 'request.start', spec: { url: 'http://o/f' } })).toBe('INTEGRATION_OFF')
    expect(agent.specs).toEqual([])
  })

  test('to retry asks again with everything the first one had, digest and header fields too', async () => {
    const spec = {
      url: 'http://o/f',
      integrity: 'a'.repeat(64),
      headers: { Authorization: 'secret' },
      destination: '/tmp/f'
    }
    const { id } = (await value({ c: 'request.start', spec })) as { id: RequestId }
    expect(await code({ c: 'request.retry', id })).toBe('BAD_REQUEST')
    agent.fail(id, new LarderError('ORIGIN_UNREACHABLE', 'no'))
    expect(await value({ c: 'request.retry', id })).not.toMatchObject({ id })
    expect(agent.specs[1]).toEqual(agent.specs[0])
    expect(agent.specs[1]).toMatchObject(spec)
  })

  test('to retry what another program asked for is refused, because its digest is not known here', async () => {
    const view = agent.request({
      url: 'http://o/f',
      kind: 'resource',
      priority: 'foreground',
      overwrite: true,
      allowStale: false,
      integrity: 'a'.repeat(64)
    })
    agent.fail(view.id, new LarderError('TIMEOUT', 'no'))
    expect(await code({ c: 'request.retry', id: view.id })).toBe('FORBIDDEN')
    expect(agent.specs).toHaveLength(1)
  })

  test('to pause all ends at the time asked for', async () => {
    await value({ c: 'all.pause', forMs: 3600_000 })
    expect(agent.snapshot().paused).toEqual({ until: clock.wallMs() + 3600_000, by: ['person'] })
    await value({ c: 'all.pause', forMs: null })
    expect(agent.snapshot().paused).toEqual({ until: null, by: ['person'] })
    await value({ c: 'all.resume' })
    expect(agent.snapshot().paused).toBeNull()
  })

  test('to stop serving ends at the time asked for', async () => {
    await value({ c: 'serving.stop', forMs: 3600_000 })
    expect(agent.snapshot().servingStopped).toEqual({ until: clock.wallMs() + 3600_000 })
    await value({ c: 'serving.resume' })
    expect(agent.snapshot().servingStopped).toBeNull()
    expect(await code({ c: 'transfer.pieces', key: `sha256:${'a'.repeat(64)}` })).toBe('NOT_FOUND')
  })

  test('to verify tells how far it is, and a second one has to wait', async () => {
    agent.cacheDouble.keep(Buffer.from('a'))
    agent.cacheDouble.keep(Buffer.from('b'))
    let goOn = (): void => {}
    agent.cacheDouble.onVerify = () => new Promise((done) => (goOn = done))
    const first = value({ c: 'cache.verify' })
    expect(await code({ c: 'cache.verify' })).toBe('BUSY')
    agent.cacheDouble.onVerify = async () => {}
    goOn()
    expect(await first).toMatchObject({ checked: 2, ok: 2 })
    expect(verifying).toEqual([{ done: 0, total: 2 }, { done: 1, total: 2 }, { done: 2, total: 2 }, null])
    expect(await code({ c: 'cache.verify' })).toBe('ok')
  })

  test('to pin what is not there is an error, not a crash', async () => {
    expect(await code({ c: 'cache.pin', sha256: 'a'.repeat(64), pinned: true })).toBe('NOT_FOUND')
    expect(defects).toEqual([])
  })

  test('that only the application can do is said to be impossible elsewhere, and is not offered', async () => {
    expect(await code({ c: 'shell.openLogFolder' })).toBe('NOT_FOUND')
    expect(await code({ c: 'agent.restart' })).toBe('NOT_FOUND')
    const { commands } = (await value({ c: 'app.info' })) as AppInfo
    expect(commands).toContain('request.start')
    expect(commands.filter((name) => name.startsWith('shell.') || name === 'app.quit')).toEqual([])
    dispatch = make({ 'app.quit': () => ({}) })
    expect(((await value({ c: 'app.info' })) as AppInfo).commands).toContain('app.quit')
  })

  test('that fails unexpectedly tells the caller nothing of the inside, and the log everything', async () => {
    dispatch = make({
      'shell.openLogFolder': () => {
        throw new TypeError('token 0123456789abcdef at /home/anna')
      }
    })
    const answer = await dispatch({ c: 'shell.openLogFolder' }, 'anna')
    expect(answer).toMatchObject({ ok: false, error: { code: 'INTERNAL', message: 'Something unexpected happened' } })
    expect(JSON.stringify(answer)).not.toMatch(/anna|token/)
    expect(defects).toMatchObject([{ message: expect.stringContaining('token') }])
  })

  test('whose answer breaks the contract is a defect, not an answer', async () => {
    dispatch = make({ 'shell.pickDestination': () => ({ path: 7 }) as never })
    expect(await code({ c: 'shell.pickDestination', name: 'a' })).toBe('INTERNAL')
    expect(defects).toHaveLength(1)
  })

  test('carries no more than its answer allows', async () => {
    dispatch = make({ 'shell.pickDestination': () => ({ path: '/a', secret: 'x' }) as never })
    expect(await value({ c: 'shell.pickDestination', name: 'a' })).toEqual({ path: '/a' })
  })
})

describe('what is no command', () => {
  test('names the field that is wrong', async () => {
    expect(await dispatch({ c: 'request.start', spec: { url: 5 } }, 'x')).toMatchObject({
      ok: false,
      error: { code: 'BAD_REQUEST', details: { field: 'spec.url' } }
    })
    expect(await dispatch({ c: 'no.such' }, 'x')).toMatchObject({
      ok: false,
      error: { code: 'BAD_REQUEST', message: 'c: there is no such command' }
    })
    expect(await dispatch({ c: 'all.resume', extra: 1 }, 'x')).toMatchObject({
      ok: false,
      error: { code: 'BAD_REQUEST' }
    })
  })

  test('is refused whatever it is, without a defect', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }),
        async (input) => {
          const answer = await dispatch(input, 'x')
          expect(answer).toMatchObject({ ok: false, error: { code: 'BAD_REQUEST' } })
          expect(defects).toEqual([])
        }
      )
    )
  })

  test('with the name of a command is answered, never thrown', async () => {
    dispatch = make()
    const names = fc.constantFrom(...(commandNames as CommandName[]))
    await fc.assert(
      fc.asyncProperty(
        names,
        fc.dictionary(
          fc.constantFrom('id', 'spec', 'forMs', 'sha256', 'query', 'since', 'value', 'name', 'text'),
          fc.jsonValue()
        ),
        async (c, fields) => {
          const answer = await dispatch({ ...fields, c }, 'x')
          expect(typeof answer.ok).toBe('boolean')
          expect(defects).toEqual([])
        }
      )
    )
  })
})
