import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { publishBuild, type PublishOptions } from './publish-build.ts'

let dir: string
let out: string
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'larder-publish-'))
  out = path.join(dir, 'out')
})
afterEach(() => rmSync(dir, { recursive: true }))

const entries = [path.join('cli', 'larder.js'), path.join('cli', 'client.js')]

/** A build whose entries name parts by their digest. */
function staged(version: string): string {
  const staging = mkdtempSync(path.join(dir, 'staging-'))
  mkdirSync(path.join(staging, 'cli', 'deep'), { recursive: true })
  for (const part of ['a', 'deep/b']) writeFileSync(path.join(staging, 'cli', `${part}-${version}.js`), part)
  for (const entry of entries) writeFileSync(path.join(staging, entry), `a-${version}.js deep/b-${version}.js`)
  return staging
}
const publish = (version: string, more: Partial<PublishOptions> = {}) =>
  publishBuild(staged(version), out, { entries, begunMs: Date.now(), clean: false, ...more })
const isWhole = () =>
  entries.every((entry) =>
    readFileSync(path.join(out, entry), 'utf8')
      .split(' ')
      .every((part) => existsSync(path.join(out, 'cli', part)))
  )

describe('a build that is published', () => {
  test('is whole at every moment, also while another one is published', () => {
    publish('1')
    let moments = 0
    const look = (from: string, to: string) => {
      expect(isWhole()).toBe(true)
      renameSync(from, to)
      expect(isWhole()).toBe(true)
      if (++moments === 2) publish('3', { rename: look })
    }
    publish('2', { rename: look })
    expect([isWhole(), moments]).toEqual([true, 8])
  })

  test('leaves what older ones had for those that have just started one, and takes it away later, or at once when told to', () => {
    publish('1')
    publish('2')
    expect(readdirSync(path.join(out, 'cli'))).toContain('a-1.js')
    const old = path.join(out, 'cli', 'a-1.js')
    utimesSync(old, 1, 1)
    publish('3')
    expect([existsSync(old), existsSync(path.join(out, 'cli', 'a-2.js'))]).toEqual([false, true])
    publish('4', { clean: true })
    expect(readdirSync(path.join(out, 'cli'), { recursive: true }).toSorted()).toEqual(
      ['a-4.js', 'client.js', 'deep', path.join('deep', 'b-4.js'), 'larder.js'].toSorted()
    )
  })

  test('is older than a source that changed while it was made', () => {
    const begunMs = Date.now() - 5000
    publish('1', { begunMs })
    const source = path.join(dir, 'source.ts')
    writeFileSync(source, '')
    utimesSync(source, (begunMs + 1000) / 1000, (begunMs + 1000) / 1000)
    expect(statMs(path.join(out, entries[0]!))).toBeLessThan(statMs(source))
  })

  test('leaves other folders of the output alone', () => {
    mkdirSync(path.join(out, 'renderer'), { recursive: true })
    writeFileSync(path.join(out, 'renderer', 'index.html'), '')
    publish('1', { clean: true })
    expect(existsSync(path.join(out, 'renderer', 'index.html'))).toBe(true)
  })
})

const statMs = (file: string): number => statSync(file).mtimeMs
