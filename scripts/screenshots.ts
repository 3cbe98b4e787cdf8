// npm run screenshots [-- WORDS]: pictures of every view and state of the window, light and dark, in docs/screenshots/; with words only those
// whose name has one of them in it. `-- --check` also looks at other sizes, contrasts and the keyboard, into a temporary folder.
import path from 'node:path'
import { ensureChromium } from '../e2e/ensure-chromium.ts'
import { runNode } from './steps.ts'

const LARDER_CHROMIUM = ensureChromium()
const flags = process.argv.slice(2)
const check = flags.includes('--check')
const where = check ? [] : ['--kept', '--out', path.join('docs', 'screenshots')]
process.exitCode = await runNode(
  [path.join('src-renderer', 'testing', 'look.ts'), ...where, ...flags.filter((flag) => flag !== '--check')],
  { env: { LARDER_CHROMIUM } }
)
