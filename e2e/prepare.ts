import { buildApp } from '../scripts/build-app.ts'
import { ensureChromium } from './ensure-chromium.ts'
import { runtime } from './runtime.ts'

/** Once before all tests: browser, bundle, and the line that says what the tests run on. */
export default async function prepare(): Promise<void> {
  if (runtime.kind === 'test-host') ensureChromium()
  if (process.env['LARDER_E2E_BUILD'] !== 'no' && !(await buildApp())) throw new Error('The application could not be built.')
  console.log(`\n>>> ${runtime.line}\n`)
}
