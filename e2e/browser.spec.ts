import { expect, test as base, type Page } from '@playwright/test'
import { spawn, type ChildProcess } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { connect } from '../src-main/client/connection.ts'
import { doorPage } from '../src-main/cli/open-ui.ts'
import { dataPaths } from '../src-main/lib/data-paths.ts'
import { startOriginServer, type OriginServer } from '../src-main/testing/origin-server.ts'
import { ensureChromium } from './ensure-chromium.ts'

const MIB = 1024 * 1024
const command = resolve(import.meta.dirname, '../src-main/cli/larder.ts')

interface HeadlessAgent {
  readonly dataDir: string
  readonly process: ChildProcess
  readonly peerPort: number
  readonly apiPort: number
}

interface BrowserFixtures {
  dir: string
  origin: OriginServer
  /** A process started with --ui, member of a fleet. */
  agent: HeadlessAgent
  /** Another one of the same fleet, connected to `agent`. */
  other: HeadlessAgent
}

/** The window as a headless agent serves it, in a browser. */
const test = base.extend<BrowserFixtures>({
  dir: async ({}, use) => {
    const dir = await mkdtemp(join(tmpdir(), 'larder-browser-'))
    await writeFile(join(dir, 'site-key'), `larder-site-${randomBytes(32).toString('base64url')}`, { mode: 0o600 })
    await use(dir)
    await rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  },
  origin: async ({}, use) => {
    const origin = await startOriginServer()
    await use(origin)
    await origin.close()
  },
  agent: async ({ dir }, use) => {
    const agent = await startAgent(dir, 'office-1')
    await use(agent)
    await stop(agent)
  },
  other: async ({ dir, agent }, use) => {
    const other = await startAgent(dir, 'office-2', ['--seed', `127.0.0.1:${agent.peerPort}`])
    for (const { dataDir } of [agent, other])
      await expect.poll(async () => (await (await connect({ dataDir })).status()).peersConnected).toBe(1)
    await use(other)
    await stop(other)
  }
})
test.use({
  launchOptions: async ({}, use) =>
    use({ executablePath: ensureChromium(), args: ['--host-resolver-rules=MAP rebound.test 127.0.0.1'] }),
  viewport: { width: 1100, height: 720 }
})
// Two processes and a browser start for each test.
test.setTimeout(180_000)

async function startAgent(dir: string, name: string, args: readonly string[] = []): Promise<HeadlessAgent> {
  const dataDir = join(dir, name)
  const own = ['--data-dir', dataDir, '--name', name, '--fleet-key-file', join(dir, 'site-key')]
  const quiet = [
    '--api-port',
    '0',
    '--peer-port',
    '0',
    '--no-beacon',
    '--include-loopback',
    '--listen',
    '127.0.0.1',
    '--set',
    'log.level=debug',
    'origin.trustLoopback=true',
    'sharing.withoutDigest=trust'
  ]
  const child = spawn(
    process.execPath,
    ['--no-warnings', command, 'agent', '--ui', '--json', ...own, ...quiet, ...args],
    { stdio: ['ignore', 'pipe', 'inherit'] }
  )
  const line = await new Promise<string>((done, failed) => {
    let text = ''
    child.stdout.on('data', (chunk) => (text += chunk).includes('\n') && done(text))
    child.once('exit', (code) => failed(new Error(`The agent left with ${code}: ${text}`)))
  })
  return { dataDir, process: child, ...(JSON.parse(line) as { peerPort: number; apiPort: number }) }
}

async function stop({ process: child }: HeadlessAgent): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}

async function linkOf(agent: HeadlessAgent): Promise<string> {
  return (await (await connect({ dataDir: agent.dataDir })).uiLink()).url
}

async function open(page: Page, view: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Views' }).getByRole('button', { name: view }).click()
  await expect(page.locator(`main[aria-label="${view}"] h1`)).toBeVisible()
}

/** What `page` asked for and was referred from, and what its policy refused. */
function watch(page: Page): { readonly requests: string[]; readonly refusals: string[] } {
  const seen = { requests: [] as string[], refusals: [] as string[] }
  page.on('request', (request) =>
    seen.requests.push(`${request.method()} ${request.url()} ${request.headers()['referer'] ?? ''}`)
  )
  page.on(
    'console',
    (message) => void (/Content Security Policy|Refused/.test(message.text()) && seen.refusals.push(message.text()))
  )
  return seen
}

test('a file is downloaded with clicks in the browser, comes from the other PC, and is on the disk', async ({
  agent,
  other,
  origin,
  page,
  dir
}) => {
  const seen = watch(page)
  const url = origin.put('/module.bin', { generate: { bytes: 8 * MIB, seed: 'module' } })
  const link = await linkOf(agent)
  await page.goto(link)
  await expect(page.getByRole('heading', { name: 'Overview' })).toBeVisible()
  expect(page.url()).toBe(`http://127.0.0.1:${agent.apiPort}/ui/`)
  expect(await page.evaluate(() => window['history'].length)).toBeLessThanOrEqual(2)

  const elsewhere = await connect({ dataDir: other.dataDir })
  const { id } = await elsewhere.request({ url })
  for await (const view of elsewhere.watch(id)) if (view.state === 'done') break
  const destination = join(dir, 'module.bin')
  await open(page, 'Downloads')
  await page.getByRole('button', { name: 'Add a download' }).first().click()
  await expect(page.getByRole('button', { name: 'Choose' })).toHaveCount(0)
  await page.getByLabel('Address').fill(url)
  await page.getByLabel('Save as').last().fill(destination)
  await page.getByRole('button', { name: 'Download', exact: true }).click()
  await page.getByRole('tab', { name: /^Done \(1\)/ }).click()
  await expect(page.getByRole('gridcell').filter({ hasText: 'module.bin' }).first()).toBeVisible()
  expect(
    createHash('sha256')
      .update(await readFile(destination))
      .digest('hex')
  ).toBe(await origin.sha256('/module.bin'))
  expect(origin.stats().contentBytes).toBe(8 * MIB)

  const secrets = [
    link.split('=')[1]!,
    await page.evaluate(() => sessionStorage.getItem('larder.session') as string),
    await readFile(join(agent.dataDir, 'api-token'), 'utf8')
  ]
  const log = await readFile(join(agent.dataDir, 'log', 'larder.log'), 'utf8')
  for (const secret of secrets) {
    expect(secret.length).toBeGreaterThan(40)
    // The fragment is in the address the browser was given, and in no request.
    expect(seen.requests.filter((line) => line.includes(secret))).toEqual([])
    expect(log).not.toContain(secret)
  }
  expect(seen.refusals).toEqual([])
  expect(await page.context().cookies()).toEqual([])
})

test('a link opens the window once; a reload stays signed in, another tab does not, nor this one after signing out', async ({
  agent,
  page,
  context
}) => {
  const link = await linkOf(agent)
  await page.goto(link)
  await expect(page.getByRole('heading', { name: 'Overview' })).toBeVisible()
  await page.reload()
  await expect(page.getByRole('heading', { name: 'Overview' })).toBeVisible()
  const tab = await context.newPage()
  for (const address of [link, `http://127.0.0.1:${agent.apiPort}/ui/`]) {
    await tab.goto('about:blank')
    await tab.goto(address)
    await expect(tab.getByRole('heading', { name: 'This page is not signed in' })).toBeVisible()
  }
  const token = await page.evaluate(() => sessionStorage.getItem('larder.session'))
  await page.getByRole('button', { name: 'More' }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Sign out' }).click()
  await expect(page.getByRole('heading', { name: 'This page is not signed in' })).toBeVisible()
  await page.reload()
  await expect(page.getByRole('heading', { name: 'This page is not signed in' })).toBeVisible()
  const refused = await fetch(`http://127.0.0.1:${agent.apiPort}/v1/ui/stream`, {
    headers: { authorization: `Bearer ${token}` }
  })
  expect(refused.status).toBe(401)
})

test('the private file that `larder ui` gives to the browser leads on to the window', async ({ agent, page, dir }) => {
  const door = join(dir, 'open-window.html')
  await writeFile(door, doorPage(await linkOf(agent)))
  await page.goto(pathToFileURL(door).href)
  await expect(page.getByRole('heading', { name: 'Overview' })).toBeVisible()
  expect(page.url()).toBe(`http://127.0.0.1:${agent.apiPort}/ui/`)
})

test('a foreign page gets nothing: not by fetch, form, frame or script, not with a link, not under a name that leads here', async ({
  agent,
  page
}) => {
  // Of the same site, as far as a browser is concerned: another port of the same PC.
  const foreign = createServer((_request, response) =>
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>foreign</title>')
  )
  await new Promise<void>((done) => foreign.listen(0, '127.0.0.1', done))
  try {
    const api = await connect({ dataDir: agent.dataDir })
    const link = await linkOf(agent)
    const home = `http://127.0.0.1:${agent.apiPort}`
    await page.goto(`http://127.0.0.1:${(foreign.address() as AddressInfo).port}/`)
    const tried = await page.evaluate(
      async ({ at, code }) => {
        const answers: string[] = []
        const body = JSON.stringify({ link: code })
        for (const init of [
          {},
          { method: 'POST', body },
          { method: 'POST', body, headers: { 'content-type': 'application/json' } },
          { method: 'POST', body, headers: { authorization: 'Bearer x' } }
        ]) {
          for (const path of ['/ui/', '/v1/version', '/v1/ui/session', '/v1/ui/commands', '/v1/ui/stream']) {
            answers.push(
              await fetch(at + path, init).then(
                (response) => `${path} ${response.status}`,
                () => 'refused'
              )
            )
          }
        }
        // What a browser sends without asking: the answer cannot be read, the question must not count.
        await fetch(`${at}/v1/ui/session`, { method: 'POST', mode: 'no-cors', body }).catch(() => {})
        const frame = document.createElement('iframe')
        const loaded = new Promise((done) => (frame.onload = done))
        frame.src = `${at}/ui/`
        document.body.append(frame)
        await loaded
        const script = document.createElement('script')
        const failed = new Promise(
          (done) => ((script.onerror = () => done('refused')), (script.onload = () => done('loaded')))
        )
        script.src = `${at}/v1/version`
        document.body.append(script)
        return [...answers, await failed]
      },
      { at: home, code: link.split('=')[1]! }
    )
    expect(new Set(tried)).toEqual(new Set(['refused']))
    await expect(page.frames()[1]!.locator('#root')).toHaveCount(0)
    await page.evaluate(
      ({ at, code }) => {
        const form = document.createElement('form')
        Object.assign(form, { method: 'post', action: `${at}/v1/ui/session`, enctype: 'text/plain' })
        const field = document.createElement('input')
        Object.assign(field, { name: `{"link":"${code}","x":"`, value: '"}' })
        form.append(field)
        document.body.append(form)
        form.submit()
      },
      { at: home, code: link.split('=')[1]! }
    )
    await page.waitForURL(`${home}/v1/ui/session`)
    expect(await page.content()).toContain('FORBIDDEN')

    const rebound = await page.goto(`http://rebound.test:${agent.apiPort}/ui/`)
    expect(rebound?.status()).toBe(403)
    expect((await api.status()).integration.enabled).toBe(true)
    // Nothing of all that has used the link up.
    await page.goto(link)
    await expect(page.getByRole('heading', { name: 'Overview' })).toBeVisible()
  } finally {
    foreign.closeAllConnections()
    foreign.close()
  }
})

test('the window says when the agent has gone, goes on with the next one, and says when that does not know it', async ({
  agent,
  page,
  dir
}) => {
  await page.goto(await linkOf(agent))
  await expect(page.getByRole('heading', { name: 'Overview' })).toBeVisible()
  await stop(agent)
  await expect(page.getByRole('main').getByText('The agent does not answer')).toBeVisible({ timeout: 30_000 })
  const samePort = ['--api-port', String(agent.apiPort)]
  const again = await startAgent(dir, 'office-1', samePort)
  try {
    await expect(page.getByRole('main').getByText('The agent does not answer')).toBeHidden({ timeout: 30_000 })
    await expect(page.getByRole('main').getByText('Larder is stopping.')).toBeVisible()
  } finally {
    await stop(again)
  }
  await rm(dataPaths(agent.dataDir).uiSessions)
  const forgetful = await startAgent(dir, 'office-1', samePort)
  try {
    await expect(page.getByRole('main').getByText('no longer signed in')).toBeVisible({ timeout: 30_000 })
  } finally {
    await stop(forgetful)
  }
})

test('events are saved as a file, and buttons that need a desktop are not there', async ({ agent, origin, page }) => {
  await page.goto(await linkOf(agent))
  await expect(page.getByRole('heading', { name: 'Overview' })).toBeVisible()
  const api = await connect({ dataDir: agent.dataDir })
  const { id } = await api.request({ url: `${origin.url}/nowhere.bin` })
  for await (const view of api.watch(id)) if (view.state === 'failed') break
  await open(page, 'Events')
  await expect(page.getByText('nowhere.bin').first()).toBeVisible()
  await page.getByRole('button', { name: 'Export' }).click()
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('menuitem', { name: 'As CSV' }).click()
  ])
  expect(download.suggestedFilename()).toBe('larder-events.csv')
  expect(await readFile(await download.path(), 'utf8')).toMatch(/^seq,time,type[^]*ORIGIN_NOT_FOUND/)
  for (const view of ['Cache', 'Settings', 'Downloads']) {
    await open(page, view)
    await expect(page.getByRole('button', { name: /open .*folder|show in folder|restart|quit/i })).toHaveCount(0)
  }
})
