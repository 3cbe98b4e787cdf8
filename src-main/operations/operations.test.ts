import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AgentHttp } from '../client/agent-http.ts'
import type { ApiToken } from '../contract/api.ts'
import { errorTable, type ErrorCode } from '../contract/errors.ts'
import type { ContentKey } from '../contract/ids.ts'
import { callOf, filledPath, httpForm } from '../contract/operations/http-form.ts'
import { commonErrors } from '../contract/operations/operation.ts'
import {
  apiOperationNames,
  commandNames,
  operationOf,
  operations,
  type ApiOperationName,
  type CommandName,
  type OperationName
} from '../contract/operations/operations.ts'
import { RequestSpec } from '../contract/request.ts'
import { settingNames } from '../settings/setting-facts.ts'
import { LarderError } from '../lib/errors.ts'
import { startAgentRig, type AgentRig } from '../testing/agent-rig.ts'
import { createDispatch, type Dispatch } from '../window/dispatch.ts'
import { SettingsBook } from '../window/setting-views.ts'
import type { ShellActions } from './operation-host.ts'

/** What a caller gives for each field there is. An operation with a new field needs a line here. */
const samples: Record<string, unknown> = {
  spec: { url: 'http://origin.test/new' },
  query: { search: 'origin.test' },
  rates: { upload: 2 ** 20 },
  about: 'origin.test',
  name: 'election.weight',
  value: 5,
  enabled: true,
  level: 'debug',
  items: [],
  dir: '/somewhere/else',
  maxBytes: 2 ** 30,
  text: 'a text'
}

const anything = () => ({}) as never
const shell: ShellActions = {
  'shell.openFile': () => ({ opened: true }),
  'shell.showInFolder': anything,
  'shell.openCacheFolder': anything,
  'shell.openLogFolder': anything,
  'shell.copyText': anything,
  'shell.saveText': () => ({ saved: true }),
  'shell.pickDestination': () => ({ path: null }),
  'app.quit': anything
}

const rendererDir = mkdtempSync(join(tmpdir(), 'larder-page-'))
const rigs: AgentRig[] = []
/** An agent with everything that carries operations to it. */
async function open(policy?: string): Promise<Carriers> {
  const rig: AgentRig = await startAgentRig({
    settings: { precache: { list: 'http://origin.test/list' } },
    ...(policy !== undefined && { policy }),
    ui: { rendererDir, settings: new SettingsBook(() => rig.double.settings, null) }
  })
  rigs.push(rig)
  const dispatch = createDispatch({
    source: {
      agent: () => rig.double,
      message: () => ({
        run: 'r',
        n: 1,
        status: { state: 'running' },
        snapshot: rig.double.snapshot(),
        verifying: null
      }),
      restart: async () => {}
    },
    settings: new SettingsBook(() => rig.double.settings, null),
    shell,
    info: { version: '1', runtime: 'app', platform: 'linux', versions: {}, dataDir: '/d', logDir: '/d/log' },
    clock: rig.double.host.clock,
    onDefect: (command, error) => expect.unreachable(`${command}: ${String(error)}`)
  })
  const client = new AgentHttp({ port: rig.port, token: rig.token as ApiToken })
  return { rig, dispatch, client }
}
interface Carriers {
  readonly rig: AgentRig
  readonly dispatch: Dispatch
  readonly client: AgentHttp
}

/** How one call of an operation ended: `ok`, or the code. */
type Outcome = 'ok' | ErrorCode
const outcomeOf = async (work: Promise<unknown>): Promise<Outcome> =>
  work.then(
    () => 'ok' as const,
    (error: unknown) => LarderError.from(error).code
  )

async function byHttp({ rig }: Carriers, name: ApiOperationName, input: Record<string, unknown>): Promise<Outcome> {
  const operation = operationOf(name)
  const { method, path, body, status } = httpForm(operation)
  const parts = callOf(operation, input)
  const query = new URLSearchParams(
    Object.entries(parts.query).map(([field, value]): [string, string] => [field, String(value as string | number)])
  )
  const leave = new AbortController()
  const response = await fetch(`http://127.0.0.1:${rig.port}${filledPath(path, parts.params)}?${query.toString()}`, {
    method,
    headers: { authorization: `Bearer ${rig.token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(parts.body) }),
    signal: leave.signal
  })
  if (response.ok) {
    expect(response.status).toBe(status)
    leave.abort()
    return 'ok'
  }
  const { code } = (await response.json()) as { code: ErrorCode }
  expect(response.status, code).toBe(errorTable[code].http)
  return code
}

function byClient({ client }: Carriers, name: ApiOperationName, input: object): Promise<Outcome> {
  const { bytes, stream, answer } = operationOf(name)
  const leave = new AbortController()
  const call = async () => {
    if (bytes) return (await client.bytes(name, input as never, { signal: leave.signal })).toArray()
    if (answer || !stream) return client.call(name, input as never)
    const messages = client.stream(name, input as never, { signal: leave.signal })
    await messages.next()
    return messages.return(undefined)
  }
  return outcomeOf(call().finally(() => leave.abort()))
}

async function byWindow({ dispatch }: Carriers, name: CommandName, input: object): Promise<Outcome> {
  const answer = await dispatch({ c: name, ...input }, 'anna')
  return answer.ok ? 'ok' : answer.error.code
}

/** Calls it in all ways its row allows; `input` is asked for again each time, because a call may use it up. */
async function everyWay(
  carriers: Carriers,
  name: OperationName,
  input: (asker: 'program' | 'window') => Record<string, unknown>
): Promise<Partial<Record<'http' | 'client' | 'window', Outcome>>> {
  const { http, who } = operationOf(name)
  return {
    ...(http && {
      http: await byHttp(carriers, name as ApiOperationName, input('program')),
      client: await byClient(carriers, name as ApiOperationName, input('program'))
    }),
    ...((who === 'all' || who === 'windows') && {
      window: await byWindow(carriers, name as CommandName, input('window'))
    })
  }
}

/** An input that works, with everything there that it is about. */
function goodInput({ rig: { double } }: Carriers, name: OperationName, asker: 'program' | 'window') {
  const data = Buffer.from(`for ${name}`)
  const { id } = double.request(RequestSpec.parse({ url: 'http://origin.test/old' }), asker)
  if (name === 'request.retry') double.fail(id, new LarderError('TIMEOUT', 'too late'))
  else if (name === 'request.content' || name === 'request.watch') double.finish(id, data)
  const sha256 = double.cacheDouble.keep(data)
  const key = `sha256:${sha256}` as ContentKey
  if (name === 'transfer.pieces') double.runTransfer(key)
  const known: Record<string, unknown> = { ...samples, id, requestId: id, sha256, key }
  return Object.fromEntries(
    Object.entries(operationOf(name).input.shape)
      .filter(([field, schema]) => field in known || !schema.safeParse(undefined).success)
      .map(([field]) => [field, known[field]])
  )
}

let carriers: Carriers
let managed: Carriers
let document: any
beforeAll(async () => {
  writeFileSync(join(rendererDir, 'index.html'), '')
  carriers = await open()
  document = (await carriers.rig.call('GET', '/v1/openapi.json')).json
  managed = await open(JSON.stringify({ by: 'IT service desk', locked: settingNames }))
})
afterAll(async () => {
  for (const rig of rigs) await rig.close()
  rmSync(rendererDir, { recursive: true })
})

const names = Object.keys(operations) as OperationName[]
const answersCode = (name: OperationName, code: ErrorCode) => (operationOf(name).errors as string[]).includes(code)

describe('an operation', () => {
  test.each(names)('%s works by every way its row allows', async (name) => {
    const { http, who, answer, stream, bytes, input } = operationOf(name)
    expect(answer !== undefined || stream !== undefined || bytes === true).toBe(true)
    expect(http === undefined).toBe(who === 'windows')
    const ways = await everyWay(carriers, name, (asker) => goodInput(carriers, name, asker))
    expect(ways).toEqual({
      ...(http && { http: 'ok', client: 'ok' }),
      ...((who === 'all' || who === 'windows') && { window: 'ok' })
    })
    expect(Object.keys(input.shape).filter((field) => field === 'c' || field === 'by' || field === 'follow')).toEqual(
      []
    )
  })

  test.each(apiOperationNames)('%s stands in the OpenAPI document with its codes', async (name) => {
    const { method, path } = httpForm(operationOf(name))
    const documented = document.paths[path.replace(/:([a-zA-Z0-9]+)/g, '{$1}')][method.toLowerCase()]
    expect(documented.operationId).toBe(name)
    for (const code of [...operationOf(name).errors, ...commonErrors(operationOf(name))])
      expect(documented.responses[errorTable[code].http].description.split(', ')).toContain(code)
  })

  test('is a command of windows exactly when its row says so', async () => {
    const answer = await carriers.dispatch({ c: 'app.info' }, 'anna')
    expect((answer as { value: { commands: string[] } }).value.commands.toSorted()).toEqual(
      [...commandNames].toSorted()
    )
    expect(commandNames).toEqual(names.filter((name) => ['all', 'windows'].includes(operationOf(name).who)))
    for (const name of names.filter((one) => ['anyone', 'programs'].includes(operationOf(one).who)))
      expect(await byWindow(carriers, name as CommandName, {})).toBe('BAD_REQUEST')
  })

  test('has a place in the local API that no other has', () => {
    const places = apiOperationNames
      .map((name) => httpForm(operationOf(name)))
      .map(({ method, path }) => `${method} ${path}`)
    expect(new Set(places).size).toBe(places.length)
  })
})

/** The same fault has the same code, whatever carries the call. */
const everywhere = (name: OperationName, code: Outcome) => {
  const { http, who } = operationOf(name)
  return {
    ...(http && { http: code, client: code }),
    ...((who === 'all' || who === 'windows') && { window: code })
  }
}

describe('the same fault has the same code by every way', () => {
  const unknown = {
    id: 'r-00000000',
    requestId: 'r-00000000',
    sha256: '0'.repeat(64),
    key: `sha256:${'0'.repeat(64)}`,
    name: 'no.such',
    about: 'r-00000000'
  }
  const about = (name: OperationName) => Object.keys(operationOf(name).input.shape).filter((field) => field in unknown)

  test.each(names.filter((name) => about(name).length > 0 && answersCode(name, 'NOT_FOUND') && operationOf(name).http))(
    '%s about what is not there',
    async (name) => {
      expect(
        await everyWay(carriers, name, (asker) => ({
          ...goodInput(carriers, name, asker),
          ...Object.fromEntries(about(name).map((field) => [field, unknown[field as keyof typeof unknown]]))
        }))
      ).toEqual(everywhere(name, 'NOT_FOUND'))
    }
  )

  test.each(names.filter((name) => Object.keys(operationOf(name).input.shape).length > 0))(
    '%s with a field that cannot be read',
    async (name) => {
      // No field takes a list of lists but JSON values, which take everything.
      const fields = Object.keys(operationOf(name).input.shape).filter(
        (field) => field !== 'value' && field !== 'items' && field !== 'reason'
      )
      for (const field of fields) {
        const wrong = ['spec', 'query', 'rates'].includes(field)
          ? { spec: { url: 5 }, query: { limit: 0 }, rates: { upload: 'fast' } }[field]
          : field === 'name' || field === 'about'
            ? 'x'.repeat(9000)
            : [[]]
        expect(
          await everyWay(carriers, name, (asker) => ({ ...goodInput(carriers, name, asker), [field]: wrong })),
          field
        ).toEqual(everywhere(name, 'BAD_REQUEST'))
      }
    }
  )

  test.each(names.filter((name) => answersCode(name, 'INTEGRATION_OFF')))(
    '%s while the integration is off',
    async (name) => {
      const { settings } = carriers.rig.double
      const input = { program: goodInput(carriers, name, 'program'), window: goodInput(carriers, name, 'window') }
      await settings.set('integration.enabled', false, { by: 'helpdesk' })
      try {
        expect(await everyWay(carriers, name, (asker) => input[asker])).toEqual(everywhere(name, 'INTEGRATION_OFF'))
      } finally {
        await settings.set('integration.enabled', true, { by: 'helpdesk' })
      }
    }
  )

  test.each(names.filter((name) => answersCode(name, 'SETTING_MANAGED')))(
    '%s against the policy of the machine',
    async (name) => {
      expect(
        await everyWay(managed, name, (asker) => ({
          ...goodInput(managed, name, asker),
          ...(name === 'integration.set' && { enabled: false })
        }))
      ).toEqual(everywhere(name, 'SETTING_MANAGED'))
    }
  )

  test('cache.verify while one is running', async () => {
    const { cacheDouble } = carriers.rig.double
    let goOn = (): void => {}
    cacheDouble.keep(Buffer.from('held up'))
    cacheDouble.onVerify = () => new Promise((done) => (goOn = done))
    const first = cacheDouble.verify({})
    expect(await everyWay(carriers, 'cache.verify', () => ({}))).toEqual(everywhere('cache.verify', 'BUSY'))
    cacheDouble.onVerify = async () => {}
    goOn()
    await first
  })

  test('request.retry of what did not fail, and of what the other sort of caller asked for', async () => {
    const { double } = carriers.rig
    expect(
      await everyWay(carriers, 'request.retry', (asker) => ({
        id: double.request(RequestSpec.parse({ url: 'http://origin.test/a' }), asker).id
      }))
    ).toEqual(everywhere('request.retry', 'BAD_REQUEST'))
    expect(
      await everyWay(carriers, 'request.retry', (asker) => {
        const { id } = double.request(
          RequestSpec.parse({ url: 'http://origin.test/a' }),
          asker === 'window' ? 'program' : 'window'
        )
        double.cancel(id)
        return { id }
      })
    ).toEqual(everywhere('request.retry', 'FORBIDDEN'))
  })

  test.each(commandNames)('%s without a running agent works only when its row says so', async (name) => {
    const dispatch = createDispatch({
      source: {
        agent: () => {
          throw new LarderError('SHUTTING_DOWN', 'The agent is stopping')
        },
        message: () => ({ run: 'r', n: 1, status: { state: 'stopping' }, snapshot: null, verifying: null }),
        restart: async () => {}
      },
      settings: new SettingsBook(() => carriers.rig.double.settings, null),
      shell,
      info: { version: '1', runtime: 'app', platform: 'linux', versions: {}, dataDir: '/d', logDir: '/d/log' },
      clock: carriers.rig.double.host.clock,
      onDefect: (command, error) => expect.unreachable(`${command}: ${String(error)}`)
    })
    expect(await byWindow({ ...carriers, dispatch }, name, goodInput(carriers, name, 'window'))).toBe(
      operationOf(name).always ? 'ok' : 'SHUTTING_DOWN'
    )
  })
})

test('a change made by a window or a program is told with its name, and a window cannot borrow one', async () => {
  const { rig, client } = carriers
  const input = { name: 'election.weight', value: 7, reason: 'it is a server' }
  const setting = async () => (await client.call('settings.list')).settings.find(({ name }) => name === input.name)!
  await client.call('settings.set', { ...input, by: 'ann at the helpdesk' })
  expect((await setting()).author).toMatchObject({ by: 'ann at the helpdesk', reason: 'it is a server' })
  expect(await byWindow(carriers, 'settings.set', { ...input, by: 'somebody' })).toBe('BAD_REQUEST')
  expect(await byWindow(carriers, 'settings.set', input)).toBe('ok')
  expect((await setting()).author).toMatchObject({ by: 'anna', reason: 'it is a server' })
  expect(rig.double.settings.get('election.weight').value).toBe(7)
})
