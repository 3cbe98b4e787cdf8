// What the window costs its person: the built renderer in Chromium, with a busy agent behind it.
import { chromium, type Browser, type Page } from '@playwright/test'
import { Command, Option } from 'commander'
import { readdir, readFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { build } from 'vite'
import { ensureChromium } from '../e2e/ensure-chromium.ts'
import { rounded } from './figures.ts'
import { readFlags } from './flags.ts'
import { slopeOf } from './growth.ts'
import { RunScope } from './run-scope.ts'
import { drawTable } from './table.ts'
import { parseCount } from './units.ts'
import { hourRows, measureHour } from './window-hour.ts'
import { clickToPaint, droppedFrames, percentile, scrollFrames, watchCosts } from './window-page.ts'
import { startWindowServer } from './window-server.ts'

interface Flags {
  transfers: number
  running?: number
  entries: number
  perSecond: number
  minutes: number
  hour?: number
  mbit: number
}

const VIEWS = ['overview', 'downloads', 'site', 'cache', 'events', 'settings'] as const
const LISTS = ['downloads', 'cache'] as const
const VIEWPORT = { width: 1280, height: 800 }
const MEMORY_EVERY_MS = 10_000

const program = new Command('bench:window')
  .description('Size, first paint, answer to clicks, frames while scrolling and memory of the window.')
  .option('--transfers <n>', 'transfers in each snapshot', parseCount(1, 5000), 500)
  .option(
    '--running <n>',
    'at most this many of them still running, the others finished; all by default',
    parseCount(0, 5000)
  )
  .option('--entries <n>', 'contents in the cache', parseCount(1, 100_000), 10_000)
  .option('--per-second <n>', 'snapshots a second', parseCount(1, 60), 10)
  .option('--minutes <n>', 'length of the memory measurement; 0: none', parseCount(0, 600), 2)
  .addOption(
    new Option(
      '--hour [minutes]',
      'instead of all that: this many minutes with a real agent that downloads without a pause, 10 by default; ends with 1 when memory grows'
    )
      .preset('10')
      .argParser(parseCount(1, 60))
  )
  .option(
    '--mbit <n>',
    'with --hour: rate of the origin; a faster one puts more contents into the time',
    parseCount(1, 10_000),
    40
  )
const flags = readFlags<Flags>(program)
const tell = (text: string): void => void process.stderr.write(`${text}\n`)

const scope = new RunScope()
try {
  const browser = await chromium.launch({
    executablePath: ensureChromium(),
    args: ['--no-sandbox', '--disable-gpu', '--enable-precise-memory-info']
  })
  try {
    if (flags.hour === undefined) await measureAll(browser)
    else await useForAnHour(browser, flags.hour)
  } finally {
    await browser.close()
  }
} finally {
  await scope.close()
}

async function useForAnHour(from: Browser, minutes: number): Promise<void> {
  tell(`A window in use for ${minutes} min …`)
  const result = await measureHour(scope, from, minutes, flags.mbit)
  process.stdout.write(
    flags.json
      ? `${JSON.stringify(rounded(result, 3))}\n`
      : `${drawTable([`${minutes} min`, '', 'bound'], hourRows(result))}\n`
  )
  if (result.flat) return
  tell('Memory grows.')
  process.exitCode = 1
}

async function measureAll(from: Browser): Promise<void> {
  const bundle = path.join(scope.folder('window'), 'renderer')
  tell('Building the window …')
  await build({
    configFile: path.join(import.meta.dirname, '..', 'vite.renderer.config.ts'),
    logLevel: 'error',
    build: { outDir: bundle, chunkSizeWarningLimit: 3000 }
  })
  const server = await startWindowServer(bundle, { ...flags, running: flags.running ?? flags.transfers })
  try {
    const bundleBytes = await gzippedBytes(bundle)
    tell('First paint …')
    const start = await measureStart(from, server.url)
    const page = await openWindow(from, server.url)
    tell('Clicks …')
    const clicks = await measureClicks(page)
    tell('Scrolling …')
    const scrolling = await measureScrolling(page)
    const snapshots = await measureSnapshots(page)
    if (flags.minutes > 0) tell(`Memory, ${flags.minutes} min …`)
    const memory = flags.minutes > 0 ? await measureMemory(page, flags.minutes) : null
    const load = os.loadavg()[0]!
    const result = {
      load,
      cpus: os.cpus().length,
      transfers: flags.transfers,
      entries: flags.entries,
      perSecond: flags.perSecond,
      snapshotKiB: server.snapshotBytes / 1024,
      changeKiB: server.changeBytes / 1024,
      bundleGzipKiB: bundleBytes / 1024,
      start,
      clicks,
      scrolling,
      snapshots,
      memory
    }
    process.stdout.write(flags.json ? `${JSON.stringify(rounded(result, 3))}\n` : `${report(result)}\n`)
  } finally {
    await server.close()
  }
}

/** Everything the page loads, as it would travel compressed. */
async function gzippedBytes(bundle: string): Promise<number> {
  const files = await readdir(bundle, { recursive: true, withFileTypes: true })
  const sizes = await Promise.all(
    files
      .filter((file) => file.isFile() && /\.(html|js|css|svg)$/.test(file.name))
      .map(async (file) => gzipSync(await readFile(path.join(file.parentPath, file.name)), { level: 9 }).length)
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

async function openWindow(from: Browser, url: string): Promise<Page> {
  const page = await (await from.newContext({ viewport: VIEWPORT })).newPage()
  await page.goto(url)
  await page.locator('main[aria-label="Overview"] h2').first().waitFor()
  await sleep(1500)
  return page
}

/** A context of its own each time: nothing is cached, not even compiled code. */
async function measureStart(from: Browser, url: string) {
  const firstPaintMs: number[] = []
  const overviewMs: number[] = []
  const mainThreadMs: number[] = []
  for (let i = 0; i < 5; i++) {
    const context = await from.newContext({ viewport: VIEWPORT })
    const page = await context.newPage()
    await page.addInitScript(() => {
      new MutationObserver((_, observer) => {
        if (document.querySelector('main[aria-label="Overview"] h2') === null) return
        observer.disconnect()
        requestAnimationFrame(() => performance.mark('overview'))
      }).observe(document, { subtree: true, childList: true })
    })
    const costs = await watchCosts(page)
    await page.goto(url)
    await page.waitForFunction(() => performance.getEntriesByName('overview').length > 0)
    mainThreadMs.push((await costs.read()).mainThreadMs)
    const [paint, overview] = await page.evaluate(() =>
      ['first-contentful-paint', 'overview'].map(
        (name) => performance.getEntriesByName(name)[0]?.startTime ?? Number.NaN
      )
    )
    firstPaintMs.push(paint!)
    overviewMs.push(overview!)
    await context.close()
  }
  return { firstPaintMs: spread(firstPaintMs), overviewMs: spread(overviewMs), mainThreadMs: spread(mainThreadMs) }
}

function showView(page: Page, view: (typeof VIEWS)[number]): Promise<number> {
  return clickToPaint(
    page,
    `nav button[data-view="${view}"]`,
    `main[aria-label="${view[0]!.toUpperCase()}${view.slice(1)}"] h1`
  )
}

async function measureClicks(page: Page) {
  const ms: number[] = []
  const byView: Record<string, number[]> = {}
  const costs = await watchCosts(page)
  const cpu: number[] = []
  // Drawn once before, as in a window that has been open for a while.
  for (const view of VIEWS) {
    await showView(page, view)
    await sleep(300)
  }
  for (let round = 0; round < 8; round++)
    for (const view of VIEWS) {
      const before = (await costs.read()).mainThreadMs
      const took = await showView(page, view)
      cpu.push((await costs.read()).mainThreadMs - before)
      ms.push(took)
      ;(byView[view] ??= []).push(took)
      await sleep(150)
    }
  for (const view of LISTS) {
    await showView(page, view)
    await page.locator('[role=row][data-row="6"]').waitFor()
    await sleep(500)
    for (let row = 0; row < 6; row++) {
      const took = await clickToPaint(
        page,
        `[role=row][data-row="${row}"]`,
        `[role=row][data-row="${row}"][aria-expanded=true]`
      )
      ms.push(took)
      ;(byView[`open a row of ${view}`] ??= []).push(took)
      await clickToPaint(page, `[role=row][data-row="${row}"]`, `[role=row][data-row="${row}"][aria-expanded=false]`)
      await sleep(150)
    }
  }
  return {
    all: spread(ms),
    mainThreadMs: spread(cpu),
    by: Object.fromEntries(Object.entries(byView).map(([name, values]) => [name, spread(values)]))
  }
}

async function measureScrolling(page: Page) {
  const costs = await watchCosts(page)
  const lists: Record<string, { frameMs: Spread; dropped: number; frames: number; mainThreadMsPerFrame: number }> = {}
  for (const view of LISTS) {
    await showView(page, view)
    await page.locator('[role=row][data-row="3"]').waitFor()
    await sleep(1000)
    const before = (await costs.read()).mainThreadMs
    const frames = await scrollFrames(page, 240)
    lists[view] = {
      frameMs: spread(frames),
      dropped: droppedFrames(frames),
      frames: frames.length,
      mainThreadMsPerFrame: ((await costs.read()).mainThreadMs - before) / frames.length
    }
  }
  return lists
}

/** What one snapshot costs while nobody touches the window. */
async function measureSnapshots(page: Page) {
  const costs = await watchCosts(page)
  const mainThreadMsPerSnapshot: Record<string, number> = {}
  for (const view of ['overview', 'downloads'] as const) {
    await showView(page, view)
    await sleep(1000)
    const before = (await costs.read()).mainThreadMs
    await sleep(5000)
    mainThreadMsPerSnapshot[view] = ((await costs.read()).mainThreadMs - before) / (5 * flags.perSecond)
  }
  return mainThreadMsPerSnapshot
}

/** A person who keeps looking around: views, scrolling, opened rows. The heap is read after garbage was collected. */
async function measureMemory(page: Page, minutes: number) {
  const costs = await watchCosts(page)
  const heapMiB: number[] = []
  const nodes: number[] = []
  const listeners: number[] = []
  const end = performance.now() + minutes * 60_000
  let next = performance.now()
  while (performance.now() < end || heapMiB.length < 3) {
    for (const view of VIEWS) {
      await showView(page, view)
      if (view === 'downloads' || view === 'cache') {
        await page.locator('[role=row][data-row="0"]').waitFor()
        await scrollFrames(page, 20)
        await page.evaluate(() => document.querySelector<HTMLElement>('[role=row][aria-expanded=false]')?.click())
      }
      await sleep(200)
    }
    if (performance.now() < next) continue
    next = performance.now() + MEMORY_EVERY_MS
    const read = await costs.read({ clean: true })
    heapMiB.push(read.heapBytes / 1024 ** 2)
    nodes.push(read.nodes)
    listeners.push(read.listeners)
  }
  // The first readings are the window getting warm: code is compiled, the chart fills for five minutes.
  const settled = heapMiB.slice(Math.min(Math.floor(heapMiB.length / 4), 12))
  const perMinute = (60_000 * (heapMiB.length - 1)) / Math.max(1, minutes * 60_000)
  return {
    minutes,
    readings: heapMiB.length,
    firstMiB: heapMiB[0]!,
    lastMiB: heapMiB.at(-1)!,
    growthMiBPerMinute: slopeOf(settled) * perMinute,
    nodes: [nodes[0]!, nodes.at(-1)!],
    listeners: [listeners[0]!, listeners.at(-1)!]
  }
}

interface Spread {
  readonly p50: number
  readonly p95: number
  readonly worst: number
}

function spread(values: readonly number[]): Spread {
  return { p50: percentile(values, 0.5), p95: percentile(values, 0.95), worst: percentile(values, 1) }
}

interface Result {
  readonly load: number
  readonly cpus: number
  readonly transfers: number
  readonly entries: number
  readonly perSecond: number
  readonly snapshotKiB: number
  readonly changeKiB: number
  readonly bundleGzipKiB: number
  readonly start: Awaited<ReturnType<typeof measureStart>>
  readonly clicks: Awaited<ReturnType<typeof measureClicks>>
  readonly scrolling: Awaited<ReturnType<typeof measureScrolling>>
  readonly snapshots: Awaited<ReturnType<typeof measureSnapshots>>
  readonly memory: Awaited<ReturnType<typeof measureMemory>> | null
}

function report({
  load,
  cpus,
  transfers,
  entries,
  perSecond,
  snapshotKiB,
  changeKiB,
  bundleGzipKiB,
  start,
  clicks,
  scrolling,
  snapshots,
  memory
}: Result): string {
  const ms = ({ p50, p95, worst }: Spread): string => `${p50.toFixed(0)} / ${p95.toFixed(0)} / ${worst.toFixed(0)} ms`
  const rows = [
    ['bundle, gzip', `${bundleGzipKiB.toFixed(0)} KiB`, '600 KiB'],
    ['first paint', ms(start.firstPaintMs), '1000 ms'],
    ['overview with data', ms(start.overviewMs), ''],
    ['  of it CPU of the main thread', ms(start.mainThreadMs), ''],
    ['click to paint, all', ms(clicks.all), '100 ms'],
    ['  CPU of the main thread', ms(clicks.mainThreadMs), ''],
    ...Object.entries(clicks.by).map(([name, one]) => [`  ${name}`, ms(one), '']),
    ...Object.entries(scrolling).flatMap(([view, { frameMs, dropped, frames, mainThreadMsPerFrame }]) => [
      [`frame while ${view} scrolls`, ms(frameMs), '20 ms (p95)'],
      ['  dropped', `${dropped} of ${frames + dropped}`, ''],
      ['  CPU of the main thread', `${mainThreadMsPerFrame.toFixed(1)} ms a frame`, '']
    ]),
    ...Object.entries(snapshots).map(([view, cost]) => [`a snapshot, ${view} open`, `${cost.toFixed(1)} ms CPU`, '']),
    ...(memory === null
      ? []
      : [
          [`heap after ${memory.minutes} min`, `${memory.firstMiB.toFixed(1)} → ${memory.lastMiB.toFixed(1)} MiB`, ''],
          ['  growth', `${memory.growthMiBPerMinute.toFixed(2)} MiB a minute`, 'flat'],
          ['  DOM nodes, listeners', `${memory.nodes.join(' → ')}, ${memory.listeners.join(' → ')}`, '']
        ])
  ]
  return `${transfers} transfers in ${perSecond} snapshots a second of ${snapshotKiB.toFixed(0)} KiB, told by changes of ${changeKiB.toFixed(1)} KiB, ${entries.toLocaleString('en')} contents in the cache; load average ${load.toFixed(1)} on ${cpus} cores\n${drawTable(['', 'p50 / p95 / worst', 'aim'], rows)}`
}
