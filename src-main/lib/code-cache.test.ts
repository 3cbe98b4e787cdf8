import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LARDER_VERSION } from '../contract/version.ts'

let dir: string
let data: string
let entry: string
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'larder-code-')))
  data = join(dir, 'data')
  entry = join(dir, 'entry.js')
  mkdirSync(data, { mode: 0o700 })
  writeFileSync(entry, '')
  utimesSync(entry, 1000, 1000)
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

/** A start of a program that uses the cache and loads some code. @returns what `useCodeCache` said */
function start(): boolean {
  const code = `
    import { useCodeCache } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'code-cache.ts')).href)}
    process.stdout.write(String(useCodeCache(${JSON.stringify(data)}, ${JSON.stringify(entry)})))
    await import(${JSON.stringify(pathToFileURL(join(import.meta.dirname, '../contract/durations.ts')).href)})`
  const env: NodeJS.ProcessEnv = { ...process.env }
  delete env['NODE_COMPILE_CACHE']
  delete env['NODE_DISABLE_COMPILE_CACHE']
  delete env['NODE_OPTIONS']
  return execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8', env }) === 'true'
}
const builds = () => readdirSync(join(data, 'code-cache'))

test('keeps compiled code in the data folder, apart for each build, and of two builds at most', () => {
  expect(start()).toBe(true)
  expect(builds()).toEqual([`${LARDER_VERSION}-1000000`])
  expect(readdirSync(join(data, 'code-cache', builds()[0]!), { recursive: true }).length).toBeGreaterThan(1)
  for (const at of [2000, 3000]) {
    utimesSync(entry, at, at)
    expect(start()).toBe(true)
  }
  expect(builds()).toHaveLength(2)
  expect(builds()).toContain(`${LARDER_VERSION}-3000000`)
})

test('is not used where others could put code, and never makes a data folder', ({ skip }) => {
  skip(process.platform === 'win32', 'Windows has no such rights')
  chmodSync(data, 0o777)
  expect(start()).toBe(false)
  chmodSync(data, 0o700)
  mkdirSync(join(data, 'code-cache'), { mode: 0o700 })
  chmodSync(join(data, 'code-cache'), 0o777)
  expect(start()).toBe(false)
  rmSync(join(data, 'code-cache'), { recursive: true })
  mkdirSync(join(dir, 'open'))
  chmodSync(join(dir, 'open'), 0o777)
  symlinkSync(join(dir, 'open'), join(data, 'code-cache'))
  expect([start(), readdirSync(join(dir, 'open'))]).toEqual([false, []])
  rmSync(data, { recursive: true })
  expect([start(), readdirSync(dir)]).toEqual([false, ['entry.js', 'open']])
})
