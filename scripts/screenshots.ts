// npm run screenshots: pictures of every view and state of the window, light and dark, in docs/screenshots/.
import path from 'node:path'
import { ensureChromium } from '../e2e/ensure-chromium.ts'
import { runNode } from './steps.ts'

const LARDER_CHROMIUM = ensureChromium()
process.exitCode = await runNode([path.join('src-renderer', 'testing', 'look.ts'), '--out', path.join('docs', 'screenshots'), ...process.argv.slice(2)], { env: { LARDER_CHROMIUM } })
