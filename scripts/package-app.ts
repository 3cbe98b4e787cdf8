// npm run package:app [-- ARGUMENTS OF ELECTRON-BUILDER]: the tray application's packages for this system, in dist/. `-- --dir`: unpacked only.
import path from 'node:path'
import { build } from './bundles.ts'
import { findElectron } from './electron-binary.ts'
import { writePapersOfApp } from './package/bill-of-materials.ts'
import { sourceDateMs } from './package/source-date.ts'
import { root, runNode } from './steps.ts'

if (!(await build('app', { force: true }))) process.exit(1)
writePapersOfApp(sourceDateMs())
const { binary } = findElectron()
// What was fetched for the tests is packed, and nothing is downloaded a second time.
const electron = binary === null ? [] : [`--config.electronDist=${path.join(root, 'node_modules', 'electron', 'dist')}`]
process.exitCode = await runNode([
  path.join(root, 'node_modules', 'electron-builder', 'cli.js'),
  '--publish',
  'never',
  ...electron,
  ...process.argv.slice(2)
])
