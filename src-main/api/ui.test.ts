import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { commandNames, parseAnswer, SnapshotMessage, type AppInfo, type CommandInput } from '../contract/commands.ts'
import { afterNews } from '../contract/snapshot-change.ts'
import { SnapshotChange } from '../contract/snapshot-message.ts'
import { PAGE_POLICY } from '../contract/page-policy.ts'
import { UI_PATH, uiRoutes } from '../contract/ui.ts'
import { Settings } from '../contract/settings.ts'
import { commandLineValues } from '../settings/assignment.ts'
import { LiveSettings, settingsInMemory } from '../settings/live-settings.ts'
import { memoryFiles } from '../settings/settings-files.ts'
import { startAgentRig, type AgentRig } from '../testing/agent-rig.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { SettingsBook } from '../window/setting-views.ts'
import { LINK_VALID_MS, SESSION_IDLE_MS } from './ui-sessions.ts'

let dir: string
let rig: AgentRig
const clock = fakeClock()
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'larder-ui-'))
  mkdirSync(join(dir, 'renderer', 'assets'), { recursive: true })
  writeFileSync(join(dir, 'renderer', 'index.html'), '<!doctype html><title>Larder</title>')
  writeFileSync(join(dir, 'renderer', 'assets', 'index-0.js'), 'export {}')
  writeFileSync(join(dir, 'renderer', 'private.pem'), 'secret')
  writeFileSync(join(dir, 'secret.js'), 'secret')
  const live = new LiveSettings({
    files: memoryFiles(''),
    commandLine: commandLineValues({ election: { weight: 7 } }),
    clock
  })
  rig = await startAgentRig({
    clock,
    ui: { rendererDir: join(dir, 'renderer'), settings: new SettingsBook(() => live, null) }
  })
})
afterAll(async () => {
  await rig.close()
  rmSync(dir, { recursive: true, force: true })
})

const foreign = (headers: Record<string, string>[]) => headers
/** What a browser sends with everything the page does. */
const ofPage = () => ({
  origin: `http://127.0.0.1:${rig.port}`,
  'sec-fetch-site': 'same-origin',
  'sec-fetch-mode': 'cors',
  'sec-fetch-dest': 'empty'
})
const newLink = async (): Promise<string> => {
  const { status, json } = await rig.call('POST', '/v1/ui/link')
  expect([status, json.validMs]).toEqual([200, LINK_VALID_MS])
  const [address, code] = json.url.split('#link=')
  expect(address).toBe(`http://127.0.0.1:${rig.port}/ui/`)
  return code
}
const signIn = (link: unknown, headers: Record<string, string | null> = {}) =>
  rig.call('POST', uiRoutes.session, {
    body: JSON.stringify({ link }),
    headers: { authorization: null, ...ofPage(), ...headers }
  })
const newToken = async (): Promise<string> => (await signIn(await newLink())).json.token
const send = (command: unknown, token: string | null, headers: Record<string, string | null> = {}) =>
  rig.call('POST', uiRoutes.commands, {
    body: typeof command === 'string' ? command : JSON.stringify(command),
    headers: { ...ofPage(), authorization: token === null ? null : `Bearer ${token}`, ...headers }
  })
const get = (path: string, headers: Record<string, string | null> = {}) =>
  rig.call('GET', path, { headers: { authorization: null, ...headers } })

describe('a link', () => {
  test('is made only for anyone who holds the API token', async () => {
    expect((await rig.call('POST', '/v1/ui/link', { headers: { authorization: null } })).json.code).toBe(
      'TOKEN_INVALID'
    )
    expect(
      (await rig.call('POST', '/v1/ui/link', { headers: { authorization: `Bearer ${await newToken()}` } })).json.code
    ).toBe('TOKEN_INVALID')
  })

  test('works once', async () => {
    const link = await newLink()
    const first = await signIn(link)
    expect([first.status, Object.keys(first.json)]).toEqual([200, ['token']])
    expect(first.headers['set-cookie']).toBeUndefined()
    expect(first.headers['cache-control']).toBe('no-store')
    const second = await signIn(link)
    expect([second.status, second.json.code]).toEqual([401, 'TOKEN_INVALID'])
    expect((await send({ c: 'all.resume' }, first.json.token)).json).toEqual({ ok: true, value: {} })
  })

  test('ends by itself', async () => {
    const link = await newLink()
    await clock.pass(LINK_VALID_MS)
    expect((await signIn(link)).status).toBe(401)
  })

  test.each([
    ['', 400],
    ['x'.repeat(43), 401],
    ['x'.repeat(44), 400],
    [null, 400],
    [['a'], 400]
  ])('that was made up opens nothing: %j', async (link, status) => {
    expect((await signIn(link)).status).toBe(status)
  })

  test('is not used up by a foreign page, and opens nothing for it', async () => {
    const link = await newLink()
    for (const headers of foreign([
      { origin: 'https://evil.test' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { host: `evil.test:${rig.port}` },
      { host: '127.0.0.1:1' }
    ])) {
      const answer = await signIn(link, headers)
      expect([answer.status, answer.json.code], JSON.stringify(headers)).toEqual([403, 'FORBIDDEN'])
    }
    expect((await signIn(link)).status).toBe(200)
  })

  test('and the token it gives stand in no line of the log', async () => {
    const link = await newLink()
    const { token } = (await signIn(link)).json
    await send({ c: 'nothing' }, token)
    const log = JSON.stringify(rig.log.lines)
    expect(log).toContain('a browser has opened the window')
    expect(log.includes(link) || log.includes(token)).toBe(false)
  })
})

describe('a command', () => {
  let token: string
  beforeEach(async () => void (token = await newToken()))

  test.each(commandNames)('%s needs a session', async (c) => {
    for (const given of [null, '', 'x'.repeat(43), rig.token, await newLink()]) {
      const answer = await send({ c }, given)
      expect([answer.status, answer.json.code], String(given)).toEqual([401, 'TOKEN_INVALID'])
    }
  })

  test('of a foreign page is refused even with the token, and a preflight gets nothing', async () => {
    for (const headers of foreign([
      { origin: 'https://evil.test' },
      { origin: 'null' },
      { origin: 'http://127.0.0.1:1' },
      { 'sec-fetch-site': 'same-site' },
      { host: `evil.test:${rig.port}` }
    ])) {
      expect(
        (await send({ c: 'integration.set', enabled: false }, token, headers)).json.code,
        JSON.stringify(headers)
      ).toBe('FORBIDDEN')
      for (const path of Object.values(uiRoutes)) {
        const preflight = await rig.call('OPTIONS', path, {
          headers: {
            ...ofPage(),
            authorization: null,
            ...headers,
            'access-control-request-method': 'POST',
            'access-control-request-headers': 'authorization,content-type'
          }
        })
        expect(preflight.status).toBe(403)
        expect(Object.keys(preflight.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
      }
    }
    expect(rig.double.snapshot().integration.enabled).toBe(true)
  })

  test('is carried out, and the event says who did it and where', async () => {
    const { json } = await send({ c: 'integration.set', enabled: false }, token)
    expect(parseAnswer('integration.set', json)).toMatchObject({
      ok: true,
      value: { integration: { enabled: false, by: expect.stringMatching(/^.+ in the browser$/) } }
    })
    await send({ c: 'integration.set', enabled: true }, token)
  })

  test.each<[string, unknown, string]>([
    ['is unknown', { c: 'cache.format' }, 'BAD_REQUEST'],
    ['has a field too many', { c: 'all.resume', really: true }, 'BAD_REQUEST'],
    ['is no object', '"all.resume"', 'BAD_REQUEST'],
    ['is empty', '', 'BAD_REQUEST'],
    ['is broken JSON', '{', 'BAD_REQUEST'],
    ['changes prototypes', '{"c":"all.resume","__proto__":{"x":1}}', 'BAD_REQUEST'],
    ['needs a desktop', { c: 'shell.openLogFolder' }, 'NOT_FOUND'],
    ['ends the agent', { c: 'app.quit' }, 'NOT_FOUND'],
    ['is about a request that is none', { c: 'request.cancel', id: '../../etc' }, 'BAD_REQUEST']
  ])('that %s is refused with a code', async (_, command, code) => {
    const { json } = await send(command, token)
    expect(json.code ?? json.error.code).toBe(code)
  })

  test('that is too long is refused before it is read', async () => {
    const answer = await send({ c: 'settings.set', name: 'fleet.siteKey', value: 'x'.repeat(65 * 1024) }, token)
    expect([answer.status, answer.json.code, answer.json.message]).toEqual([
      400,
      'BAD_REQUEST',
      'The body of the call is too long'
    ])
  })

  test('list names only what works in a browser', async () => {
    const { value } = (await send({ c: 'app.info' }, token)).json as { value: AppInfo }
    expect(value.runtime).toBe('browser')
    expect(value.commands).toContain('request.start')
    expect(value.commands.filter((name) => /^(shell\.|app\.quit|agent\.restart)/.test(name))).toEqual([])
    for (const name of value.commands) expect(commandNames).toContain(name)
  })

  test('shows settings with their source, those of this run locked', async () => {
    const { json } = await send({ c: 'settings.list' } satisfies CommandInput, token)
    expect(json.value.settings.find((setting: { name: string }) => setting.name === 'election.weight')).toMatchObject({
      value: 7,
      source: 'command-line',
      managed: true
    })
    expect((await send({ c: 'settings.set', name: 'election.weight', value: 50 }, token)).json.error.code).toBe(
      'SETTING_MANAGED'
    )
  })
})

test('a session opens nothing of the API for programs', async () => {
  const token = await newToken()
  for (const path of ['/v1/status', '/v1/snapshot', '/v1/stream', '/v1/openapi.json'])
    expect((await get(path, { authorization: `Bearer ${token}` })).status, path).toBe(401)
})

describe('the stream', () => {
  const url = () => `http://127.0.0.1:${rig.port}${uiRoutes.stream}`

  test('needs a session', async () => {
    for (const authorization of [null, `Bearer ${rig.token}`, 'Bearer x'])
      expect((await get(uiRoutes.stream, { authorization })).status).toBe(401)
    // A token in the address would stand in histories and logs: it is not looked for there.
    expect((await get(`${uiRoutes.stream}?token=${await newToken()}`)).status).toBe(401)
  })

  const schemas = { message: SnapshotMessage, change: SnapshotChange } as const
  /** A page's stream: its messages, read one by one. */
  const open = async () => {
    const leave = new AbortController()
    const response = await fetch(url(), {
      headers: { authorization: `Bearer ${await newToken()}` },
      signal: leave.signal
    })
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    const next = async () => {
      while (!text.includes('\n\n')) text += (await reader.read()).value!
      const end = text.indexOf('\n\n')
      const [, event, json] = /^event: (message|change)\ndata: (.*)$/.exec(text.slice(0, end))!
      text = text.slice(end + 2)
      return { bytes: json!.length, news: schemas[event as keyof typeof schemas].parse(JSON.parse(json!)) }
    }
    return { next, leave: () => leave.abort() }
  }
  const change = (name: string) => {
    rig.double.change({ name })
    void clock.pass(100)
  }

  test('tells everything at once and each change after it, numbered', async () => {
    const page = await open()
    const first = SnapshotMessage.parse((await page.next()).news)
    change('renamed')
    const { news, bytes } = await page.next()
    expect(news).toMatchObject({ run: first.run, base: first.n, snapshot: { name: 'renamed' }, lists: {} })
    expect(bytes).toBeLessThan(500)
    expect(afterNews(first, news)).toMatchObject({
      status: { state: 'running' },
      snapshot: { name: 'renamed', agentId: first.snapshot!.agentId }
    })
    page.leave()
  })

  test('does not carry requests again that have ended', async () => {
    const ask = () =>
      rig.double.request({
        url: 'https://origin.test/a',
        kind: 'resource',
        priority: 'foreground',
        overwrite: true,
        allowStale: false
      })
    for (let i = 0; i < 50; i++) ask()
    const page = await open()
    const first = SnapshotMessage.parse((await page.next()).news)
    const added = ask()
    change('and one more')
    const { news, bytes } = await page.next()
    expect((news as SnapshotChange).lists.requests).toEqual({
      set: [expect.objectContaining({ id: added.id })],
      gone: []
    })
    expect(bytes).toBeLessThan(2000)
    expect(afterNews(first, news)!.snapshot!.requests).toHaveLength(first.snapshot!.requests.length + 1)
    page.leave()
  })

  test('goes on from the answer to a page that asked for the whole', async () => {
    const [page, other] = [await open(), await open()]
    const first = SnapshotMessage.parse((await page.next()).news)
    const ofOther = (await other.next()).news
    rig.double.change({ name: 'asked' })
    const answer = SnapshotMessage.parse((await send({ c: 'snapshot.get' }, await newToken())).json.value)
    expect(answer.snapshot!.name).toBe('asked')
    change('later')
    for (const [{ next }, known] of [
      [page, first],
      [other, ofOther]
    ] as const) {
      let told = (await next()).news
      // The other page was told of what the later one began with.
      while (told.n < answer.n) told = (await next()).news
      expect(told).toMatchObject({ n: answer.n, snapshot: { name: 'asked' } })
      expect((await next()).news).toMatchObject({ base: answer.n, snapshot: { name: 'later' } })
      expect(known.n).toBeLessThan(answer.n)
    }
    page.leave()
    other.leave()
  })
})

test('the agent makes snapshots only while a window is open, and yet no answer is older than its question', async () => {
  const token = await newToken()
  const ask = async () => SnapshotMessage.parse((await send({ c: 'snapshot.get' }, token)).json.value)
  await expect.poll(() => rig.double.listenerCount('snapshot')).toBe(0)
  const before = await ask()
  rig.double.change({ name: 'unwatched' })
  const after = await ask()
  expect(after.n).toBeGreaterThan(before.n)
  expect(after.snapshot!.name).toBe('unwatched')
  const leave = new AbortController()
  await fetch(`http://127.0.0.1:${rig.port}${uiRoutes.stream}`, {
    headers: { authorization: `Bearer ${token}` },
    signal: leave.signal
  })
  expect(rig.double.listenerCount('snapshot')).toBe(1)
  leave.abort()
  await expect.poll(() => rig.double.listenerCount('snapshot')).toBe(0)
})

test('a stream ends with its session', async () => {
  const response = await fetch(`http://127.0.0.1:${rig.port}${uiRoutes.stream}`, {
    headers: { authorization: `Bearer ${await newToken()}` }
  })
  const text = response.text()
  await clock.pass(SESSION_IDLE_MS)
  rig.double.change({ name: 'after it' })
  await clock.pass(100)
  expect(await text).not.toContain('after it')
})

describe('the page', () => {
  test('is given to any browser of this PC, kept by none, and lets nothing else in', async () => {
    for (const [path, type] of [
      [UI_PATH, 'text/html'],
      ['/ui/index.html', 'text/html'],
      ['/ui/assets/index-0.js', 'text/javascript']
    ] as const) {
      const { status, headers } = await get(path)
      expect([status, headers['content-type']]).toEqual([200, `${type}; charset=utf-8`])
      expect(headers).toMatchObject({
        'content-security-policy': PAGE_POLICY,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin'
      })
      expect(headers['set-cookie']).toBeUndefined()
    }
    expect([(await get('/ui')).status, (await get('/ui')).headers.location]).toEqual([308, UI_PATH])
  })

  test.each([
    '/ui/../secret.js',
    '/ui/..%2fsecret.js',
    '/ui/%2e%2e/secret.js',
    '/ui/%2e%2e%2fsecret.js',
    '/ui/assets/..%2f..%2fsecret.js',
    '/ui/..%5csecret.js',
    '/ui/%252e%252e/secret.js',
    '/ui//secret.js',
    '/ui/%00.js',
    '/ui/%zz',
    '/ui/private.pem',
    '/ui/assets',
    '/ui/none.js',
    '/ui/C:/x.js'
  ])('ends at its folder: %s', async (path) => {
    const { status, text } = await get(path)
    expect([400, 404]).toContain(status)
    expect(text).not.toBe('secret')
  })

  test('may be opened from a link anywhere, but not framed, fetched or scripted by a foreign page', async () => {
    const navigation = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    expect((await get(UI_PATH, navigation)).status).toBe(200)
    for (const headers of [
      { ...navigation, 'sec-fetch-dest': 'iframe' },
      { ...navigation, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' },
      { ...navigation, 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' },
      { ...navigation, origin: 'https://evil.test' },
      { ...navigation, host: `evil.test:${rig.port}` }
    ]) {
      expect((await get(UI_PATH, headers)).status, JSON.stringify(headers)).toBe(403)
    }
    expect((await get('/v1/version', navigation)).status).toBe(403)
    expect((await rig.call('POST', UI_PATH, { headers: navigation })).status).toBe(403)
  })
})

test('an agent without window has none of it', async () => {
  const plain = await startAgentRig()
  try {
    for (const [method, path] of [
      ['GET', UI_PATH],
      ['POST', uiRoutes.session],
      ['POST', uiRoutes.commands],
      ['GET', uiRoutes.stream],
      ['POST', '/v1/ui/link']
    ] as const) {
      expect((await plain.call(method, path)).json.code, path).toBe('NOT_FOUND')
    }
  } finally {
    await plain.close()
  }
})

test('an agent whose window was not built does not start, and says what to do', async () => {
  await expect(
    startAgentRig({
      ui: {
        rendererDir: join(dir, 'nowhere'),
        settings: new SettingsBook(() => settingsInMemory(Settings.parse({}), clock), null)
      }
    })
  ).rejects.toMatchObject({
    code: 'SETTINGS_INVALID',
    message: expect.stringContaining('npm run build')
  })
})
