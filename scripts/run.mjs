// node scripts/run.mjs FILE [ARGUMENTS]: sets the clone up if needed, then runs FILE (TypeScript too) under the pinned Node.
// Why it is like this: docs/decisions/0005-node-24-everywhere.md
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensureInstalled, pinnedNode, root } from './setup.mjs'

const [file, ...args] = process.argv.slice(2)
if (!file) {
  process.stderr.write('usage: node scripts/run.mjs FILE [ARGUMENTS]\n')
  process.exit(2)
}
if (!ensureInstalled()) process.exit(1)

const target = path.resolve(root, file)
const bin = path.join(root, 'node_modules', '.bin')
const pathName = Object.keys(process.env).find((name) => name.toLowerCase() === 'path') ?? 'PATH'
if (!(process.env[pathName] ?? '').startsWith(bin))
  process.env[pathName] = `${bin}${path.delimiter}${process.env[pathName] ?? ''}`

if (isPinned()) {
  process.argv = [process.execPath, target, ...args]
  await import(pathToFileURL(target).href)
} else if (existsSync(pinnedNode)) {
  const child = spawn(pinnedNode, [target, ...args], { stdio: 'inherit', cwd: process.cwd() })
  // From a terminal the child gets the interrupt itself; the parent only has to outlive its cleaning up.
  process.on('SIGINT', () => {
    if (!process.stdin.isTTY) child.kill('SIGINT')
  })
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.once('error', (error) => {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  })
  child.once('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (signal ? (os.constants.signals[signal] ?? 0) : 0)
  })
} else {
  process.stderr.write(
    `Larder's scripts need the Node that "npm ci" installs at ${pinnedNode}, or Node 24 or newer; this is ${process.version}.\n` +
      'npm may have been told to run no install scripts (ignore-scripts): allow them for the package "node", or install Node 24.\n'
  )
  process.exitCode = 1
}

/** True when this process is good enough itself: the pinned version, or at least Node 24 where there is no pinned one. */
function isPinned() {
  if (!existsSync(pinnedNode)) return Number(process.versions.node.split('.')[0]) >= 24
  const pinned = JSON.parse(readFileSync(path.join(root, 'node_modules', 'node', 'package.json'), 'utf8')).version
  return process.versions.node === pinned
}
