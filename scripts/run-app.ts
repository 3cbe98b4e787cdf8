// npm start: the tray application. npm run dev: the same with reload (--dev).
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { electronBinary } from '../e2e/runtime.ts'
import { buildApp } from './build-app.ts'
import { root } from './steps.ts'

const args = process.argv.slice(2)
const isDev = args.includes('--dev')
const packageDir = path.join(root, 'node_modules', 'electron')
const { version } = JSON.parse(readFileSync(path.join(packageDir, 'package.json'), 'utf8')) as { version: string }
const electron = electronBinary(packageDir, version)

if (electron === null) {
  process.stderr.write(`The tray application needs Electron ${version}, which is not on this machine ("npx install-electron --no" fetches it); without it run: npm run agent\n`)
  process.exitCode = 1
} else if (isDev) {
  run(process.execPath, [path.join(root, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js'), 'dev', '--watch'])
} else if (await buildApp()) {
  run(electron, ['.', ...args])
} else {
  process.exitCode = 1
}

function run(command: string, commandArgs: readonly string[]): void {
  if (!existsSync(command)) throw new Error(`${command} is not there`)
  const child = spawn(command, commandArgs, { cwd: root, stdio: 'inherit' })
  // From a terminal the child gets the interrupt itself.
  process.on('SIGINT', () => {
    if (!process.stdin.isTTY) child.kill('SIGINT')
  })
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.once('exit', (code) => (process.exitCode = code ?? 1))
}
