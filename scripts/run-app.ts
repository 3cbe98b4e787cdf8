// npm start: the tray application. npm run dev: the same with reload (--dev).
import { spawn } from 'node:child_process'
import path from 'node:path'
import { buildApp } from './build-app.ts'
import { findElectron } from './electron-binary.ts'
import { root } from './steps.ts'

const args = process.argv.slice(2)
const isDev = args.includes('--dev')
const { version, binary } = findElectron()

if (binary === null) {
  process.stderr.write(`The tray application needs Electron ${version}, which is not on this machine ("npx install-electron --no" fetches it); without it run: npm run agent\n`)
  process.exitCode = 1
} else if (isDev) {
  run(process.execPath, [path.join(root, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js'), 'dev', '--watch'])
} else if (await buildApp()) {
  run(binary, ['.', ...args])
} else {
  process.exitCode = 1
}

function run(command: string, commandArgs: readonly string[]): void {
  const child = spawn(command, commandArgs, { cwd: root, stdio: 'inherit' })
  // From a terminal the child gets the interrupt itself.
  process.on('SIGINT', () => {
    if (!process.stdin.isTTY) child.kill('SIGINT')
  })
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.once('exit', (code) => (process.exitCode = code ?? 1))
}
