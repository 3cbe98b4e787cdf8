import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { build } from '../scripts/bundles.ts'
import { ensureChromium } from './ensure-chromium.ts'
import { processesOf } from './left-over.ts'
import { runtime } from './runtime.ts'

/** What was told to end may take this long. */
const LEAVE_MS = 10_000

/** Once before all tests: browser, bundle, and the line that says what the tests run on. Afterwards nothing may be left running. */
export default async function prepare(): Promise<() => Promise<void>> {
  if (runtime.kind === 'test-host') ensureChromium()
  if (process.env['LARDER_E2E_BUILD'] !== 'no' && !(await build('app')))
    throw new Error('The application could not be built.')
  // Every test starts the application again; so Node compiles the same sources only once.
  process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, '../node_modules/.cache/node-compile')
  const dir = (process.env['LARDER_E2E_DIR'] = mkdtempSync(join(tmpdir(), 'larder-e2e-')))
  console.log(`\n>>> ${runtime.line}\n`)

  return async () => {
    const untilMs = performance.now() + LEAVE_MS
    while (processesOf(dir).length > 0 && performance.now() < untilMs) await sleep(100)
    const left = processesOf(dir)
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
    if (left.length > 0) throw new Error(`Processes were left running:\n${left.join('\n')}`)
  }
}
