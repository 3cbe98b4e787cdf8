import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Readable, Writable } from 'node:stream'
import { DevTools } from './devtools.ts'

// The wrapper script comes last: it would be one more process between us and the browser.
const installed = [
  '/usr/lib/chromium/chromium',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome'
]

/** A Chromium on this machine: `LARDER_CHROMIUM`, the system's, or Playwright's own; null when there is none. */
export function findChromium(): string | null {
  const isThere = (path: string | undefined): boolean => path !== undefined && path !== '' && existsSync(path)
  return [process.env['LARDER_CHROMIUM'], ...installed].find(isThere) ?? [ofPlaywright()].find(isThere) ?? null
}

/** Playwright is loaded only where it is asked: that is more work than all else the host does until the window is there. */
function ofPlaywright(): string {
  const { chromium } = createRequire(import.meta.url)('@playwright/test') as typeof import('@playwright/test')
  return chromium.executablePath()
}

/** Pages of the address bar, which no window here has, and a renderer in reserve: a process more each, and as much work as for a page of ours. */
const unused = ['WebUIOmniboxPopup', 'WebUIOmniboxFullPopup', 'WebUIOmniboxAimPopup', 'SpareRendererForSitePerProcess']

export interface Browser {
  readonly process: ChildProcess
  /** `ws://…` for whoever else wants to attach (Playwright). */
  readonly url: string
  readonly devtools: DevTools
}

/** Starts Chromium without a window of its own. It reaches nothing but loopback, and leaves when this process does. */
export async function launchChromium(profileDir: string, switches: ReadonlyMap<string, string>): Promise<Browser> {
  const path = findChromium()
  if (path === null)
    throw new Error('test host: there is no Chromium on this machine; run: npm run e2e, or set LARDER_CHROMIUM')
  const flags = new Map([
    ['no-first-run', ''],
    ['no-startup-window', ''],
    ['no-default-browser-check', ''],
    ['disable-gpu', ''],
    // Two processes less to start.
    ['in-process-gpu', ''],
    ['enable-features', 'NetworkServiceInProcess2'],
    ['disable-dev-shm-usage', ''],
    ['disable-background-networking', ''],
    ['host-resolver-rules', 'MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1'],
    ...(process.env['LARDER_HOST_HEADED'] === '1' ? [] : ([['headless', '']] as const)),
    ['remote-debugging-port', '0'],
    // Chromium refuses its sandbox to root.
    ...(process.getuid?.() === 0 ? ([['no-sandbox', '']] as const) : []),
    ...switches,
    ['disable-features', [switches.get('disable-features') ?? [], unused].flat().join()],
    ['user-data-dir', profileDir],
    // Chromium leaves when this pipe closes, so it never outlives the host, not even one that is killed.
    ['remote-debugging-pipe', '']
  ])
  const args = [...flags].map(([name, value]) => (value === '' ? `--${name}` : `--${name}=${value}`))
  // In a group of its own: Ctrl+C in a terminal is for the host, which ends in order.
  const child = spawn(path, args, {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
    detached: process.platform !== 'win32'
  })
  const url = await new Promise<string>((resolve, reject) => {
    let text = ''
    const read = (data: Buffer): void => {
      text += data.toString()
      const found = /DevTools listening on (ws:\/\/\S+)/.exec(text)?.[1]
      if (found === undefined) return
      child.stderr?.off('data', read).resume()
      resolve(found)
    }
    child.stderr?.on('data', read)
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`test host: Chromium left with ${code}\n${text.slice(-2000)}`)))
  })
  const [, , , toBrowser, fromBrowser] = child.stdio as unknown as [null, null, Readable, Writable, Readable]
  return { process: child, url, devtools: new DevTools(fromBrowser, toBrowser) }
}
