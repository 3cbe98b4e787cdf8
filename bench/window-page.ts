import type { CDPSession, Page } from '@playwright/test'

/** A frame that took longer than this was late, ms: one and a half of 60 a second. */
const LATE_FRAME_MS = 25
const FRAME_MS = 1000 / 60

export interface PageCosts {
  /** CPU time of the page's main thread so far, ms: unlike the time of day it does not depend on what else the PC does. */
  readonly mainThreadMs: number
  readonly heapBytes: number
  readonly nodes: number
  readonly listeners: number
}

/** Reads what a page costs. `clean` collects garbage first. */
export async function watchCosts(page: Page): Promise<{ read(options?: { clean?: boolean }): Promise<PageCosts> }> {
  const session: CDPSession = await page.context().newCDPSession(page)
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  return {
    read: async ({ clean = false } = {}) => {
      if (clean) await session.send('HeapProfiler.collectGarbage')
      const { metrics } = await session.send('Performance.getMetrics')
      const value = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? Number.NaN
      return {
        mainThreadMs: value('TaskDuration') * 1000,
        heapBytes: value('JSHeapUsedSize'),
        nodes: value('Nodes'),
        listeners: value('JSEventListeners')
      }
    }
  }
}

/** Clicks `target` and waits for the frame after the one in which `effect` is in the page. @returns ms */
export function clickToPaint(page: Page, target: string, effect: string): Promise<number> {
  return page.evaluate(
    ([clicked, shown]) =>
      new Promise<number>((resolve, reject) => {
        const from = performance.now()
        document.querySelector<HTMLElement>(clicked!)!.click()
        const look = () => {
          if (document.querySelector(shown!) !== null) requestAnimationFrame(() => resolve(performance.now() - from))
          else if (performance.now() - from > 10_000) reject(new Error(`${shown} never came`))
          else requestAnimationFrame(look)
        }
        look()
      }),
    [target, effect]
  )
}

/** Scrolls the list of the view by `step` px a frame. @returns the time of each frame, ms */
export function scrollFrames(page: Page, frames: number, step = 90): Promise<number[]> {
  return page.evaluate(
    ([count, px]) =>
      new Promise<number[]>((resolve) => {
        const list = document.querySelector<HTMLElement>('[role=treegrid]')!.parentElement!
        const times: number[] = []
        let last = performance.now()
        const next = (now: number) => {
          times.push(now - last)
          last = now
          list.scrollTop += px!
          if (times.length < count! + 2) requestAnimationFrame(next)
          else resolve(times.slice(2))
        }
        requestAnimationFrame(next)
      }),
    [frames, step]
  )
}

/** Frames of 60 a second that were not shown. */
export function droppedFrames(frameMs: readonly number[]): number {
  return frameMs.reduce((sum, ms) => sum + (ms > LATE_FRAME_MS ? Math.round(ms / FRAME_MS) - 1 : 0), 0)
}

/** The smallest value that `share` of all do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN
}
