// npm run test:electron [-- ARGUMENTS OF VITEST]: the unit tests inside Electron as Node, whose TLS, SQLite and V8 are not those of Node.
import { spawn } from 'node:child_process'
import path from 'node:path'
import { findElectron } from './electron-binary.ts'
import { root } from './steps.ts'

const { version, binary } = findElectron()
if (binary === null) {
  process.stderr.write(
    `Electron ${version} has no binary here, so nothing can be tested in it. \`node node_modules/electron/install.js\` fetches it.\n`
  )
  process.exit(1)
}
process.stdout.write(`Electron ${version} as Node: ${binary}\n`)
const child = spawn(
  binary,
  [path.join('node_modules', 'vitest', 'vitest.mjs'), 'run', '--project', 'main', ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit', env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' } }
)
child.once('error', (error) => {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
})
child.once('exit', (code) => (process.exitCode = code ?? 1))
