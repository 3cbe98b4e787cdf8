// Why it is like this: docs/decisions/0014-what-the-end-to-end-tests-cost.md
import { _electron, expect, test as base, type ElectronApplication, type Page } from '@playwright/test'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Answer, AnswerTo, CommandInput } from '../src-main/contract/commands.ts'
import type { SettingsInput } from '../src-main/contract/settings.ts'
import type { AgentSnapshot } from '../src-main/contract/snapshot.ts'
import type { StartedShell } from '../src-main/shell/app.ts'
import { startFleet, untilSnapshot, type Fleet } from '../src-main/testing/fleet.ts'
import { startOriginServer, type OriginServer } from '../src-main/testing/origin-server.ts'
import { runtime } from './runtime.ts'

declare global {
  /** What main.ts gives to tests; only inside `app.evaluate`. */
  var larderE2e: StartedShell
}

const root = resolve(import.meta.dirname, '..')
const QUIT_MS = 30_000
/** A start of application and browser on a machine that is busy with ten other things. */
const START_MS = 90_000

export interface LarderFixtures {
  /** Folder of the application alone: settings, cache, log, browser profile. */
  dataDir: string
  /** A folder for downloads. */
  filesDir: string
  /** Settings the application starts with; tests may add to them before `launch`. */
  settings: SettingsInput
  /** Two further agents of the same site. Whoever asks for it has the application join them. */
  site: Fleet
  origin: OriginServer
  launch: (options?: { args?: string[]; env?: Record<string, string> }) => Promise<ElectronApplication>
  app: ElectronApplication
  /** The page of the window. */
  ui: Page
}

export const test = base.extend<LarderFixtures>({
  dataDir: async ({}, use, info) => {
    info.annotations.push({ type: 'ran on', description: runtime.kind })
    await withTempDir('data-', use)
  },
  filesDir: async ({}, use) => withTempDir('files-', use),
  settings: async ({}, use) => {
    await use({
      ports: { api: 0, peer: 0, beacon: 0 },
      discovery: { beacon: false, listenAddress: '127.0.0.1', includeLoopback: true },
      // The origins of these tests are on this PC.
      origin: { trustLoopback: true },
      // What the origin is asked only to compare would count as bytes over the WAN.
      sharing: { withoutDigest: 'trust' },
      cache: { maxBytes: 2 ** 30, minFreeBytes: 0 }
    })
  },
  site: async ({ settings }, use) => {
    const fleet = await startFleet(2)
    settings.fleet = { siteKey: fleet.siteKey }
    settings.discovery = {
      ...settings.discovery,
      seeds: fleet.agents.map(({ agent }) => `127.0.0.1:${agent.snapshot().ports.peer}`)
    }
    settings.election = { windowMs: 60, settleMs: 2000 }
    await use(fleet)
    await fleet.stop()
  },
  origin: async ({}, use) => {
    const origin = await startOriginServer()
    await use(origin)
    await origin.close()
  },
  launch: async ({ dataDir, settings }, use) => {
    const started: ElectronApplication[] = []
    await use(async ({ args = [], env = {} } = {}) => {
      await writeFile(join(dataDir, 'settings.json'), JSON.stringify(settings), { flag: 'wx' }).catch(ifThere)
      // '.' and not the file, so that name, version and path come from package.json.
      const app = await _electron.launch({
        args: ['.', ...args],
        cwd: root,
        timeout: START_MS,
        env: {
          ...(process.env as Record<string, string>),
          LARDER_DATA_DIR: dataDir,
          LARDER_E2E: '1',
          XDG_CONFIG_HOME: join(dataDir, 'config'),
          ...env
        }
      })
      started.push(app)
      const isHost = await app.evaluate((electron) => 'testHost' in electron)
      if (isHost !== (runtime.kind === 'test-host'))
        throw new Error(`These tests were to run on ${runtime.kind}, and do not`)
      await app.evaluate(({ app: main }) => main.whenReady().then(() => {}))
      return app
    })
    for (const app of started) {
      const left = await Promise.race([
        app.close().then(
          () => true,
          () => true
        ),
        new Promise<boolean>((done) => setTimeout(done, QUIT_MS, false))
      ])
      if (!left) {
        app.process().kill('SIGKILL')
        throw new Error(`The application did not quit within ${QUIT_MS} ms`)
      }
    }
  },
  app: async ({ launch }, use) => use(await launch()),
  ui: async ({ app }, use) => use(await openPage(app))
})
export { expect } from '@playwright/test'
export { runtime } from './runtime.ts'

/** A second launch on the same folder leaves the settings alone. */
function ifThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}

/** The folder of this run, made before all tests. */
export function runDir(): string {
  const dir = process.env['LARDER_E2E_DIR']
  if (dir === undefined) throw new Error('LARDER_E2E_DIR is not set; prepare.ts does that')
  return dir
}

async function withTempDir(prefix: string, use: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(runDir(), prefix))
  await use(dir)
  await rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
}

/** The page of the application's window, loaded. */
export async function openPage(app: ElectronApplication): Promise<Page> {
  const page = await app.firstWindow({ timeout: START_MS })
  await page.waitForURL((url) => url.href !== 'about:blank', { timeout: START_MS })
  await page.waitForLoadState('domcontentloaded')
  return page
}

/** Gives a command as the window's page does. */
export function give<I extends CommandInput>(page: Page, command: I): Promise<AnswerTo<I['c']>> {
  return giveAnything(page, command) as Promise<AnswerTo<I['c']>>
}

/** As `give`, for what the contract does not allow. */
export function giveAnything(page: Page, command: unknown): Promise<Answer> {
  return page.evaluate((c) => (window.larder.invoke as (anything: unknown) => Promise<Answer>)(c), command as object)
}

/** The agent's snapshot as the page gets it; null while no agent runs. */
export async function snapshotOf(page: Page): Promise<AgentSnapshot | null> {
  const answer = await give(page, { c: 'snapshot.get' })
  if (!answer.ok) throw new Error(answer.error.message)
  return answer.value.snapshot
}

/** Waits until the agent inside the application runs. */
export async function untilRunning(app: ElectronApplication): Promise<void> {
  await app.evaluate(async () => {
    const { life } = globalThis.larderE2e
    while (life.status.state === 'starting') await new Promise((done) => life.once('changed', () => done(null)))
    if (life.status.state !== 'running') throw new Error(`the agent is ${JSON.stringify(life.status)}`)
  })
}

/** Labels of the tray's menu, without separators. */
export function trayLabels(app: ElectronApplication): Promise<string[]> {
  return app.evaluate(() =>
    (globalThis.larderE2e.tray.menu?.items ?? []).filter(({ type }) => type !== 'separator').map(({ label }) => label)
  )
}

/**
 * Clicks an entry of the tray. As a click does, it comes from the event loop: an evaluation may interrupt whatever runs at that
 * moment, even Node's own reading of a socket, and what it does there to that socket ends in an error of Node's.
 */
export function trayClick(app: ElectronApplication, id: string): Promise<void> {
  return app.evaluate(
    (_electron, item) =>
      new Promise<void>((done, failed) =>
        setImmediate(() => {
          const found = globalThis.larderE2e.tray.menu?.getMenuItemById(item)
          found?.click()
          if (found) done()
          else failed(new Error(`the tray has no ${item}`))
        })
      ),
    id
  )
}

export function isWindowVisible(app: ElectronApplication): Promise<boolean> {
  return app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isVisible() ?? false)
}

/** Which picture the tray shows. */
export function trayState(app: ElectronApplication): Promise<string | undefined> {
  return app.evaluate(() => globalThis.larderE2e.tray.view?.state)
}

/** Opens a view of the window. */
export async function goTo(page: Page, view: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Views' }).getByRole('button', { name: view }).click()
  await page.locator(`main[aria-label="${view}"] h1`).waitFor()
}

/** From now on notifications are kept instead of shown. @returns how to read them */
export async function notified(app: ElectronApplication): Promise<() => Promise<{ title: string; body: string }[]>> {
  await app.evaluate(({ Notification }) => {
    const told: object[] = []
    Notification.prototype.show = function show(this: { title: string; body: string }) {
      told.push({ title: this.title, body: this.body })
    }
    Object.assign(globalThis, { told })
  })
  return () => app.evaluate(() => (globalThis as unknown as { told: { title: string; body: string }[] }).told)
}

/** Waits until the agent inside the application is connected to so many peers, those of `site` among them, and all of the site see as many. */
export async function untilConnected(page: Page, site: Fleet, peers = site.agents.length): Promise<void> {
  const sees = ({ peers: all }: Pick<AgentSnapshot, 'peers'>) =>
    all.filter(({ state }) => state === 'connected').length === peers
  await expect.poll(async () => sees((await snapshotOf(page)) ?? { peers: [] })).toBe(true)
  // One side of a connection knows of it before the other does.
  await Promise.all(site.agents.map(({ agent }) => untilSnapshot(agent, sees, 60_000)))
}

/** Exit code of the application's process. */
export function exitOf(app: ElectronApplication): Promise<number | null> {
  const child = app.process()
  return child.exitCode !== null
    ? Promise.resolve(child.exitCode)
    : new Promise((done) => child.once('exit', (code) => done(code)))
}
