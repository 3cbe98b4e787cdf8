#!/usr/bin/env node
// Old Nodes must be able to read this file, so that they can say what is missing: no syntax later than ES2015.
import { spawn } from 'child_process'
import { existsSync } from 'fs'
import { dirname, join } from 'path'
import { fileURLToPath, pathToFileURL } from 'url'

const NEEDED = 24
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const script = join(root, 'out', 'cli', 'larder.js')

function complain(text) {
  process.stderr.write('larder: ' + text + '\n')
  process.exitCode = 1
}

function findNode() {
  const names = process.platform === 'win32' ? ['node/bin/node.exe', 'node/node.exe'] : ['.bin/node', 'node/bin/node']
  // Beside this package when it is developed, above it when it is installed into another one.
  const folders = [join(root, 'node_modules'), join(root, '..')]
  for (const folder of folders) {
    for (const name of names) {
      if (existsSync(join(folder, name))) return join(folder, name)
    }
  }
  return undefined
}

function runWith(node) {
  const child = spawn(node, [script].concat(process.argv.slice(2)), { stdio: 'inherit' })
  ;['SIGINT', 'SIGTERM', 'SIGHUP'].forEach(function (signal) {
    process.on(signal, function () {
      // A terminal sends Ctrl+C to the child itself; a second one would end it at once.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
  })
  child.on('error', function (error) {
    complain('Node ' + NEEDED + ' at ' + node + ' does not start: ' + error.message)
  })
  child.on('exit', function (code, signal) {
    process.exitCode = code === null ? (signal === 'SIGINT' ? 130 : 143) : code
  })
}

if (!existsSync(script)) {
  complain('it has not been built yet. Run `npm run build` in ' + root + ' first.')
} else if (Number(process.versions.node.split('.')[0]) >= NEEDED) {
  void import(pathToFileURL(script).href)
} else {
  const node = findNode()
  if (node === undefined)
    complain(
      'Node ' +
        NEEDED +
        ' or newer is needed, this is ' +
        process.versions.node +
        '. Install it, or run `npm install` in ' +
        root +
        '.'
    )
  else runWith(node)
}
