import { createServer, type Server } from 'node:http'
import { mkdir, mkdtemp, readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join, normalize, sep } from 'node:path'
import { parseArgs } from 'node:util'
import { AxeBuilder } from '@axe-core/playwright'
import { chromium, type Browser, type Page } from '@playwright/test'
import { build } from 'vite'

/**
 * Draws the window on fixture data in Chromium and looks at it: pictures, accessibility, speed.
 *
 *     node src-renderer/testing/look.ts                    pictures and axe of every view and state
 *     node src-renderer/testing/look.ts --only downloads   only the pictures whose name has that in it
 *     node src-renderer/testing/look.ts --measure          first paint, answer to a click, frames
 *
 * Pictures go to a new temporary folder, whose name is printed, or to --out.
 */

/** What the shell must send with the page. The digest is that of an empty text: Griffel and Fluent make empty style elements and fill them by `insertRule`. */
export const CONTENT_SECURITY_POLICY = "default-src 'none'; script-src 'self'; style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** Where Tabster, Fluent's focus library, catches Tab at the ends of the page: it hands the focus on at once, so nobody lands there. */
const TABSTER_STOPS = '[data-tabster-dummy]'

const types: Record<string, string> = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml' }
const views = ['overview', 'downloads', 'site', 'cache', 'events', 'settings']

interface Picture {
  readonly name: string
  readonly query: Record<string, string>
  readonly width: number
  readonly height: number
  readonly dark?: boolean
  /** Text size of the person, in percent. */
  readonly text?: number
  readonly forced?: boolean
  readonly axe?: boolean
  act?(page: Page): Promise<void>
}

function pictures(): Picture[] {
  const small = { width: 900, height: 600 }
  const wide = { width: 1280, height: 800 }
  const open = async (page: Page) => {
    await page.locator('[role=row][data-row="0"]').first().click({ position: { x: 120, y: 12 } })
  }
  return [
    ...views.flatMap((view) => [
      { name: `${view}-1280-light`, query: { fixture: 'everyday', view }, ...wide, axe: true },
      { name: `${view}-1280-dark`, query: { fixture: 'everyday', view }, ...wide, dark: true, axe: true },
      { name: `${view}-900-light`, query: { fixture: 'everyday', view }, ...small },
      { name: `${view}-900-text125`, query: { fixture: 'everyday', view }, ...small, text: 125 },
      { name: `${view}-900-zoom125`, query: { fixture: 'everyday', view }, width: 720, height: 480 },
      { name: `${view}-empty`, query: { fixture: 'empty', view }, ...small, axe: true },
      { name: `${view}-contrast`, query: { fixture: 'everyday', view }, ...wide, dark: true, forced: true }
    ]),
    { name: 'downloads-busy', query: { fixture: 'busy', view: 'downloads', live: '1' }, ...wide },
    { name: 'overview-busy', query: { fixture: 'busy', view: 'overview', live: '1' }, ...wide, dark: true },
    { name: 'cache-busy', query: { fixture: 'busy', view: 'cache' }, ...wide },
    { name: 'site-busy', query: { fixture: 'busy', view: 'site' }, ...wide },
    { name: 'downloads-opened', query: { fixture: 'everyday', view: 'downloads' }, ...wide, axe: true, act: open },
    { name: 'downloads-opened-900', query: { fixture: 'everyday', view: 'downloads' }, ...small, dark: true, axe: true, act: open },
    { name: 'downloads-failed', query: { fixture: 'trouble', view: 'downloads' }, ...small, axe: true },
    {
      name: 'site-opened',
      query: { fixture: 'everyday', view: 'site' },
      ...wide,
      axe: true,
      act: async (page) => await page.getByRole('button', { name: /OfficeSetup/ }).click()
    },
    { name: 'cache-opened', query: { fixture: 'everyday', view: 'cache' }, ...wide, axe: true, act: open },
    { name: 'cache-full', query: { fixture: 'trouble', view: 'cache' }, ...small, axe: true },
    { name: 'events-opened', query: { fixture: 'everyday', view: 'events' }, ...wide, axe: true, act: open },
    {
      name: 'cache-clear',
      query: { fixture: 'everyday', view: 'cache' },
      ...small,
      axe: true,
      act: async (page) => {
        await page.getByRole('button', { name: 'Clear…' }).click()
        await page.getByText(/will be removed/).waitFor()
      }
    },
    {
      name: 'downloads-add',
      query: { fixture: 'everyday', view: 'downloads' },
      ...small,
      axe: true,
      act: async (page) => {
        await page.getByRole('button', { name: 'Add a download' }).click()
        await page.getByLabel('Address').fill('ftp://files.example/x')
        await page.getByRole('button', { name: 'Download', exact: true }).click()
        await page.getByText(/cannot be downloaded/).waitFor()
      }
    },
    {
      name: 'integration-off-dialog',
      query: { fixture: 'everyday', view: 'overview' },
      ...small,
      dark: true,
      axe: true,
      act: async (page) => {
        await page.getByRole('switch').click()
        await page.getByRole('alertdialog').waitFor()
      }
    },
    {
      name: 'toast',
      query: { fixture: 'everyday', view: 'downloads' },
      ...small,
      axe: true,
      act: async (page) => {
        await page.getByRole('button', { name: /^Pause: / }).first().click()
        await page.getByText('is paused').first().waitFor()
      }
    },
    ...['loading', 'failed', 'disconnected', 'paused', 'off', 'nofleet'].flatMap((fixture) => [
      { name: `state-${fixture}`, query: { fixture, view: 'overview' }, ...small, axe: true },
      { name: `state-${fixture}-dark`, query: { fixture, view: 'overview' }, ...small, dark: true, axe: true }
    ]),
    { name: 'state-one', query: { fixture: 'one', view: 'overview' }, ...small },
    { name: 'state-stale', query: { fixture: 'stale', view: 'overview' }, ...small, axe: true, act: async (page) => await page.getByText('This may be out of date.').waitFor({ timeout: 12_000 }) }
  ]
}

/** Serves a folder on loopback with the headers the shell sends. */
async function serve(folder: string): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname))
    const file = join(folder, path.endsWith('/') ? `${path}index.html` : path)
    if (!file.startsWith(folder + sep)) return void response.writeHead(404).end()
    readFile(file).then(
      (bytes) => response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream', 'content-security-policy': CONTENT_SECURITY_POLICY, 'cache-control': 'no-store' }).end(bytes),
      () => response.writeHead(404).end()
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

function addressOf(base: string, query: Record<string, string>): string {
  return `${base}/testing/index.html?${new URLSearchParams(query)}`
}

/** Texts that are cut without an ellipsis, and anything wider than the window. */
async function cutTexts(page: Page): Promise<string[]> {
  return await page.evaluate(() => {
    const found: string[] = []
    for (const element of document.querySelectorAll<HTMLElement>('body *')) {
      const style = getComputedStyle(element)
      const box = element.getBoundingClientRect()
      if (box.width === 0 || box.height < 4 || style.visibility === 'hidden' || style.clipPath !== 'none') continue
      const own = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent!.trim() !== '')
      if (!own) continue
      const text = element.textContent!.trim().slice(0, 50)
      if (style.overflowX === 'hidden' && style.textOverflow !== 'ellipsis' && style.webkitLineClamp === 'none' && element.scrollWidth > element.clientWidth + 1) found.push(`cut: ${text}`)
      if (box.right > innerWidth + 1 || box.left < -1) found.push(`outside: ${text}`)
    }
    const scroller = document.querySelector('main > :last-child')
    if (scroller !== null && scroller.scrollWidth > scroller.clientWidth + 1) found.push(`main is ${scroller.scrollWidth - scroller.clientWidth} px too wide`)
    return found
  })
}

async function takePictures(browser: Browser, base: string, out: string, only: string): Promise<number> {
  let problems = 0
  for (const picture of pictures().filter(({ name }) => name.includes(only))) {
    const context = await browser.newContext({ viewport: { width: picture.width, height: picture.height }, colorScheme: picture.dark === true ? 'dark' : 'light', forcedColors: picture.forced === true ? 'active' : 'none', reducedMotion: 'reduce', timezoneId: 'Europe/Berlin', locale: 'en-GB' })
    const page = await context.newPage()
    const said: string[] = []
    page.on('console', (message) => (['error', 'warning'].includes(message.type()) ? said.push(message.text()) : undefined))
    page.on('pageerror', (error) => said.push(String(error)))
    try {
      if (picture.text !== undefined) {
        const session = await context.newCDPSession(page)
        await session.send('Page.setFontSizes', { fontSizes: { standard: Math.round((16 * picture.text) / 100), fixed: Math.round((13 * picture.text) / 100) } })
      }
      await page.goto(addressOf(base, picture.query))
      await page.locator('h1, h2, [role=status]').first().waitFor()
      await page.waitForTimeout(500)
      await picture.act?.(page)
      await page.waitForTimeout(300)
      await page.screenshot({ path: join(out, `${picture.name}.png`) })
      const cut = await cutTexts(page)
      const violations = picture.axe === true ? (await new AxeBuilder({ page }).exclude(TABSTER_STOPS).analyze()).violations.map((v) => `axe ${v.id} (${v.nodes.length}): ${v.nodes[0]?.html.slice(0, 160)} ${v.nodes[0]?.failureSummary?.split('\n')[1] ?? ''}`) : []
      const found = [...said, ...cut, ...violations]
      problems += found.length
      process.stdout.write(`${found.length === 0 ? 'ok  ' : 'BAD '} ${picture.name}\n${found.map((line) => `       ${line}\n`).join('')}`)
    } catch (error) {
      problems++
      process.stdout.write(`BAD  ${picture.name}: ${String(error)}\n${said.map((line) => `       ${line}\n`).join('')}`)
    }
    await context.close()
  }
  return problems
}

/** Time from a click to the frame that shows its effect, ms. */
async function clickToPaint(page: Page, selector: string, shown: string): Promise<number> {
  return await page.evaluate(
    ([target, effect]) =>
      new Promise<number>((resolve, reject) => {
        const from = performance.now()
        document.querySelector<HTMLElement>(target!)!.click()
        const look = () => {
          if (document.querySelector(effect!) !== null) requestAnimationFrame(() => resolve(performance.now() - from))
          else if (performance.now() - from > 5000) reject(new Error(`${effect} never came`))
          else requestAnimationFrame(look)
        }
        look()
      }),
    [selector, shown]
  )
}

const titleOf = (view: string): string => view[0]!.toUpperCase() + view.slice(1)

/** CPU time of the page's main thread so far, ms: unlike the time of day it does not depend on what else the PC does. */
async function mainThreadClock(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  return async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN) * 1000
  }
}

async function measure(browser: Browser, base: string): Promise<void> {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage()
  const paints: number[] = []
  const drawn: number[] = []
  const startCpu: number[] = []
  for (let i = 0; i < 5; i++) {
    // A context of its own each time: nothing is cached, not even compiled code.
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
    const fresh = await context.newPage()
    const cpu = await mainThreadClock(fresh)
    await fresh.goto(addressOf(base, { fixture: 'busy', view: 'overview' }))
    await fresh.locator('h1').waitFor()
    startCpu.push(await cpu())
    const times = await fresh.evaluate(() => [performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN, performance.getEntriesByName('drawn')[0]?.startTime ?? Number.NaN])
    paints.push(times[0]!)
    drawn.push(times[1]!)
    await context.close()
  }
  say('first contentful paint, ms', paints)
  say('overview of 500 transfers in the page, ms', drawn)
  say('main thread CPU until then, ms', startCpu)

  const quiet = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage()
  const clickCpu = await mainThreadClock(quiet)
  await quiet.goto(addressOf(base, { fixture: 'busy', view: 'overview' }))
  await quiet.locator('h1').waitFor()
  await quiet.waitForTimeout(1000)
  const spent: Record<string, number[]> = {}
  for (let round = 0; round < 4; round++) {
    for (const view of views) {
      const before = await clickCpu()
      await clickToPaint(quiet, `nav button[data-view="${view}"]`, `main[aria-label="${titleOf(view)}"] h1`)
      ;(spent[view] ??= []).push((await clickCpu()) - before)
      await quiet.waitForTimeout(250)
    }
  }
  for (const [view, times] of Object.entries(spent)) say(`main thread CPU of a click on ${view}, ms`, times)
  await quiet.context().close()

  await page.goto(addressOf(base, { fixture: 'busy', view: 'overview', live: '1' }))
  await page.locator('h1').waitFor()
  await page.waitForTimeout(1500)
  const switches: Record<string, number[]> = {}
  for (let round = 0; round < 5; round++) {
    for (const view of views) {
      const ms = await clickToPaint(page, `nav button[data-view="${view}"]`, `main[aria-label="${titleOf(view)}"] h1`)
      ;(switches[view] ??= []).push(ms)
      await page.waitForTimeout(250)
    }
  }
  for (const [view, times] of Object.entries(switches)) say(`click on ${view} to its frame, ms`, times)

  for (const view of ['downloads', 'cache'] as const) {
    await page.goto(addressOf(base, { fixture: 'busy', view, live: '1' }))
    await page.locator('[role=row][data-row="3"]').waitFor()
    await page.waitForTimeout(1000)
    const opened: number[] = []
    for (const row of [0, 1, 2, 3, 4]) opened.push(await clickToPaint(page, `[role=row][data-row="${row}"]`, `[role=row][data-row="${row}"][aria-expanded=true]`))
    say(`click on a row of ${view} to its opened frame, ms`, opened)
    say(`frames while ${view} scrolls, ms`, await framesWhileScrolling(page))
  }

  await page.goto(addressOf(base, { fixture: 'busy', view: 'downloads', live: '1' }))
  await page.waitForTimeout(2000)
  const cpu = await mainThreadClock(page)
  const before = await cpu()
  await page.waitForTimeout(5000)
  process.stdout.write(`main thread CPU of one of ten snapshots a second with 500 requests, ms: ${(((await cpu()) - before) / 50).toFixed(1)}\n`)
}

async function framesWhileScrolling(page: Page): Promise<number[]> {
  return await page.evaluate(
    () =>
      new Promise<number[]>((resolve) => {
        const grid = document.querySelector<HTMLElement>('[role=treegrid]')!.parentElement!
        const frames: number[] = []
        let last = performance.now()
        const step = (now: number) => {
          frames.push(now - last)
          last = now
          grid.scrollTop += 90
          if (frames.length < 180) requestAnimationFrame(step)
          else resolve(frames.slice(2))
        }
        requestAnimationFrame(step)
      })
  )
}

function say(what: string, values: readonly number[]): void {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!.toFixed(0)
  process.stdout.write(`${what}: median ${at(0.5)}, p95 ${at(0.95)}, worst ${at(1)} (${values.length})\n`)
}

const { values: options } = parseArgs({ options: { only: { type: 'string', default: '' }, out: { type: 'string' }, measure: { type: 'boolean', default: false } } })
const work = await mkdtemp(join(tmpdir(), 'larder-look-'))
const out = options.out ?? work
await mkdir(out, { recursive: true })
const site = join(work, 'site')
await build({ configFile: join(import.meta.dirname, '../../vite.renderer.config.ts'), mode: 'fixtures', logLevel: 'warn', build: { outDir: site, chunkSizeWarningLimit: 3000 } })
const { server, url } = await serve(site)
const browser = await chromium.launch({ executablePath: process.env.LARDER_CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })
try {
  if (options.measure) await measure(browser, url)
  else {
    const problems = await takePictures(browser, url, out, options.only)
    process.stdout.write(`${problems === 0 ? 'Nothing found.' : `${problems} problems found.`} Pictures: ${out}\n`)
    process.exitCode = problems === 0 ? 0 : 1
  }
} finally {
  await browser.close()
  server.close()
}
