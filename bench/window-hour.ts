import type { Browser, Page } from '@playwright/test'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../src-main/client/connection.ts'
import { build } from '../scripts/bundles.ts'
import { growthOf, type Growth } from './growth.ts'
import type { RunScope } from './run-scope.ts'
import { usageOf } from './usage.ts'
import { clickToPaint, scrollFrames, watchCosts } from './window-page.ts'

const MIB = 1024 ** 2
const READ_EVERY_MS = 10_000
/** Finished requests an agent keeps. */
const KEPT_REQUESTS = 500
/** The chart fills for five minutes: what grows in it is no leak. The agent’s lists are full when it begins. */
const SETTLED_AFTER_MS = 5 * 60_000
/**
 * Growth beyond this fails, MiB an hour, where it is certain: less what the spread of the readings leaves open. What is resident grows while the C library’s
 * heap finds its shape, and the page cache of the index fills (4 MiB); what is held does not.
 */
export const MOST_GROWTH = { heap: 6, held: 6, agent: 30 } as const

const VIEWS = ['overview', 'downloads', 'site', 'cache', 'events', 'settings'] as const

/** What `hour-load.ts` prints: the agent whose window is looked at. */
interface HourLoad {
  readonly pid: number
  readonly dataDir: string
  /** WebSocket of its Node inspector. */
  readonly inspector: string
}

export interface HourResult {
  readonly minutes: number
  readonly downloadedMiB: number
  readonly servedMiB: number
  /** Contents that left the cache for others. */
  readonly evicted: number
  readonly readings: number
  /** JavaScript heap of the page after garbage was collected. */
  readonly heap: Growth
  /** What the agent’s program holds after garbage was collected: JavaScript heap and buffers. */
  readonly held: Growth
  /** Resident memory of the agent the window belongs to, after garbage was collected. */
  readonly agent: Growth
  /** DOM nodes and listeners, first and last. */
  readonly nodes: readonly [number, number]
  readonly listeners: readonly [number, number]
  readonly flat: boolean
}

/** A window that is used for `minutes` while its agent downloads from an origin of `mbit`, evicts and serves without a pause. */
export async function measureHour(
  scope: RunScope,
  browser: Browser,
  minutes: number,
  mbit: number
): Promise<HourResult> {
  if (!(await build('renderer'))) throw new Error('the window could not be built')
  const program = await scope.start(process.execPath, [path.join(import.meta.dirname, 'hour-load.ts'), String(mbit)], {
    logFile: path.join(scope.folder('hour'), 'load.log')
  })
  const load = program.ready as HourLoad
  const agent = await connect({ dataDir: load.dataDir })
  while ((await agent.requests()).length < KEPT_REQUESTS) {
    if (program.ended) throw new Error('the agents have ended')
    await sleep(1000)
  }
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage()
  await page.goto((await agent.uiLink()).url)
  await page.locator('main[aria-label="Overview"] h2').first().waitFor()
  const readHeld = await openInspector(load.inspector)
  const readings = await useWindow(page, minutes, async () => {
    if (program.ended) throw new Error('the agents have ended, or a download has failed')
    const heldBytes = await readHeld()
    return {
      heldBytes,
      rssBytes: usageOf(load.pid, process.platform === 'linux' ? null : await agent.snapshot())?.rssBytes ?? Number.NaN
    }
  })
  const { totals, cache } = await agent.snapshot()
  await program.stop()
  return {
    minutes,
    downloadedMiB: (totals.originBytes + totals.peerBytes) / MIB,
    servedMiB: totals.servedBytes / MIB,
    evicted: cache.evictions,
    ...summaryOf(readings)
  }
}

/** @returns how to have a Node process collect its garbage and tell what it holds then, bytes */
async function openInspector(url: string): Promise<() => Promise<number>> {
  const socket = new WebSocket(url)
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true })
    socket.addEventListener('error', () => reject(new Error('the inspector of the agent does not answer')), {
      once: true
    })
  })
  let id = 0
  const call = async (method: string, params: object = {}) => {
    const answered = new Promise<MessageEvent<string>>((resolve) =>
      socket.addEventListener('message', resolve, { once: true })
    )
    socket.send(JSON.stringify({ id: ++id, method, params }))
    return JSON.parse((await answered).data) as { result: { result?: { value?: unknown } } }
  }
  return async () => {
    await call('HeapProfiler.collectGarbage')
    // Shared buffers count as `arrayBuffers`, and not as `external`.
    const { result } = await call('Runtime.evaluate', {
      expression:
        '(({ heapUsed, external, arrayBuffers }) => heapUsed + Math.max(external, arrayBuffers))(process.memoryUsage())',
      returnByValue: true
    })
    return Number(result.result?.value)
  }
}

interface Reading {
  readonly heapMiB: number
  readonly heldMiB: number
  readonly rssMiB: number
  readonly nodes: number
  readonly listeners: number
}

/** A person who looks at one view after the other, scrolls and opens rows. */
async function useWindow(
  page: Page,
  minutes: number,
  readAgent: () => Promise<{ heldBytes: number; rssBytes: number }>
): Promise<Reading[]> {
  const costs = await watchCosts(page)
  const readings: Reading[] = []
  const startedAt = performance.now()
  let next = startedAt
  for (let turn = 0; performance.now() - startedAt < minutes * 60_000; turn++) {
    const view = VIEWS[turn % VIEWS.length]!
    await clickToPaint(
      page,
      `nav button[data-view="${view}"]`,
      `main[aria-label="${view[0]!.toUpperCase()}${view.slice(1)}"] h1`
    )
    if (view === 'downloads' || view === 'cache') {
      await page.locator('[role=row][data-row="0"]').waitFor()
      await scrollFrames(page, 30)
      await page.evaluate(() => document.querySelector<HTMLElement>('[role=row][aria-expanded=false]')?.click())
    }
    await sleep(1500)
    if (performance.now() < next) continue
    next += READ_EVERY_MS
    const { heapBytes, nodes, listeners } = await costs.read({ clean: true })
    const { heldBytes, rssBytes } = await readAgent()
    readings.push({ heapMiB: heapBytes / MIB, heldMiB: heldBytes / MIB, rssMiB: rssBytes / MIB, nodes, listeners })
  }
  return readings
}

function summaryOf(
  readings: readonly Reading[]
): Pick<HourResult, 'readings' | 'heap' | 'held' | 'agent' | 'nodes' | 'listeners' | 'flat'> {
  const settled = readings.slice(
    Math.min(Math.round(SETTLED_AFTER_MS / READ_EVERY_MS), Math.floor(readings.length / 2))
  )
  const perHour = 3_600_000 / READ_EVERY_MS
  const heap = growthOf(
    settled.map(({ heapMiB }) => heapMiB),
    perHour
  )
  const held = growthOf(
    settled.map(({ heldMiB }) => heldMiB),
    perHour
  )
  const agent = growthOf(
    settled.map(({ rssMiB }) => rssMiB),
    perHour
  )
  const first = settled[0]!
  const last = settled.at(-1)!
  return {
    readings: readings.length,
    heap,
    held,
    agent,
    nodes: [first.nodes, last.nodes],
    listeners: [first.listeners, last.listeners],
    flat: heap.certain <= MOST_GROWTH.heap && held.certain <= MOST_GROWTH.held && agent.certain <= MOST_GROWTH.agent
  }
}

/** Rows of a table: what, what it was, what is aimed at. */
export function hourRows({
  heap,
  held,
  agent,
  nodes,
  listeners,
  downloadedMiB,
  servedMiB,
  evicted
}: HourResult): string[][] {
  const growth = ({ perHour, error }: Growth) => `${perHour.toFixed(1)} ± ${error.toFixed(1)} MiB an hour`
  const range = ({ first, last, least, most }: Growth) =>
    `${first.toFixed(1)} → ${last.toFixed(1)} MiB (${least.toFixed(1)} to ${most.toFixed(1)})`
  return [
    [
      'meanwhile',
      `${downloadedMiB.toFixed(0)} MiB downloaded, ${servedMiB.toFixed(0)} MiB served, ${evicted} contents evicted`,
      ''
    ],
    ['heap of the page, after garbage was collected', range(heap), ''],
    ['  growth', growth(heap), `${MOST_GROWTH.heap} MiB an hour`],
    ['  DOM nodes, listeners', `${nodes.join(' → ')}, ${listeners.join(' → ')}`, ''],
    ['heap and buffers of the agent, after garbage was collected', range(held), ''],
    ['  growth', growth(held), `${MOST_GROWTH.held} MiB an hour`],
    ['resident memory of the agent, after garbage was collected', range(agent), ''],
    ['  growth', growth(agent), `${MOST_GROWTH.agent} MiB an hour`]
  ]
}
