import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

// A process for each setup, of which a test makes several.
vi.setConfig({ testTimeout: 120_000 })

/** Of the file that stands for Node here. */
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** A clone with a lock file, and an `npm` that only notes that it was called and installs as told. */
let clone: string
const at = (...names: string[]): string => path.join(clone, ...names)
const write = (file: string, text: string): void => {
  mkdirSync(path.dirname(at(file)), { recursive: true })
  writeFileSync(at(file), text)
}
const lock = (version: string): string =>
  JSON.stringify({
    packages: {
      '': {},
      'node_modules/a': { version },
      'node_modules/other-system': { version: '1.0.0', optional: true }
    }
  })

function setup(): { code: number | null; said: string; npmCalls: string[] } {
  const { npm_execpath: _npm, ...env } = process.env
  const result = spawnSync(process.execPath, [at('scripts', 'setup.mjs')], {
    encoding: 'utf8',
    env: { ...env, PATH: `${at('bin')}:${env['PATH']}` }
  })
  const npmCalls = existsSync(at('calls')) ? readFileSync(at('calls'), 'utf8').trim().split('\n') : []
  rmSync(at('calls'), { force: true })
  return { code: result.status, said: result.stdout + result.stderr, npmCalls }
}

/** The hash that the Node of this clone must have. */
function pin(sha256: string): void {
  write('scripts/node-pins.json', JSON.stringify({ '1.0.0': { [`${process.platform}-${process.arch}`]: sha256 } }))
}

function installed(version: string): void {
  write('node_modules/.package-lock.json', JSON.stringify({ packages: { 'node_modules/a': { version } } }))
  write('node_modules/node/bin/node', '')
  write('node_modules/node/package.json', JSON.stringify({ version: '1.0.0' }))
}

beforeEach(({ skip }) => {
  clone = mkdtempSync(path.join(os.tmpdir(), 'larder-setup-test-'))
  skip(process.platform === 'win32', 'the npm of this test is a shell script')
  mkdirSync(at('scripts'))
  copyFileSync(path.join(import.meta.dirname, 'setup.mjs'), at('scripts', 'setup.mjs'))
  pin(EMPTY_SHA256)
  write('package-lock.json', lock('1.0.0'))
  write(
    'bin/npm',
    `#!/bin/sh\necho "$@" >> "${at('calls')}"\nif [ -e "${at('broken')}" ]; then echo 'no network' >&2; exit 1; fi\nmkdir -p "${at('node_modules/node/bin')}"; touch "${at('node_modules/node/bin/node')}"; echo '{"version":"1.0.0"}' > "${at('node_modules/node/package.json')}"\n`
  )
  chmodSync(at('bin', 'npm'), 0o755)
})
afterEach(() => rmSync(clone, { recursive: true, force: true }))

describe('setup', () => {
  test('installs in a fresh clone, once', () => {
    const first = setup()
    expect(first.npmCalls).toEqual([expect.stringMatching(/^ci /)])
    expect(first.said).toMatch(/^Installing dependencies \(npm ci\) … done in \d+ s\n$/)
    expect(setup()).toEqual({ code: 0, said: '', npmCalls: [] })
  })

  test('refuses and deletes a Node that is not the pinned one', () => {
    pin('0'.repeat(64))
    const { code, said } = setup()
    expect(code).toBe(1)
    expect(said).toContain('is not the pinned one')
    expect(existsSync(at('node_modules/node/bin/node'))).toBe(false)
  })

  test('takes what npm itself has installed', () => {
    installed('1.0.0')
    expect(setup()).toEqual({ code: 0, said: '', npmCalls: [] })
  })

  test('installs again when another version is locked', () => {
    installed('1.0.0')
    setup()
    write('package-lock.json', lock('1.0.1'))
    expect(setup().npmCalls).toHaveLength(1)
  })

  test('installs again when the pinned Node is gone', () => {
    installed('1.0.0')
    setup()
    rmSync(at('node_modules/node'), { recursive: true })
    expect(setup().npmCalls).toHaveLength(1)
  })

  test('says what npm said when it fails, and tries again the next time', () => {
    write('broken', '')
    const failed = setup()
    expect(failed.code).toBe(1)
    expect(failed.said).toContain('no network')
    expect(setup().npmCalls).toHaveLength(1)
  })
})

describe('the Node that npm runs on', () => {
  /** In a process, as `setup.mjs` is plain JavaScript. */
  const refusals = (...versions: string[]): (string | null)[] => {
    const url = new URL('./setup.mjs', import.meta.url).href
    const code = `const { nodeRefusal } = await import(${JSON.stringify(url)}); console.log(JSON.stringify(${JSON.stringify(versions)}.map(nodeRefusal)))`
    return JSON.parse(spawnSync(process.execPath, ['--input-type=module', '-e', code]).stdout.toString('utf8'))
  }

  test('is refused where npm would leave out parts of the bundler, with what is needed', () => {
    const [old, ...good] = refusals('20.9.0', '20.19.0', '22.12.0', '24.0.0', '26.1.0')
    expect(old).toContain('20.19 or newer')
    expect(good).toEqual([null, null, null, null])
    expect(refusals('18.20.8', '21.7.3', '22.11.0').every((refusal) => refusal !== null)).toBe(true)
  })

  test.each(['README.md', 'CONTRIBUTING.md', 'docs/getting-started.md'])('is named by %s as it is refused', (page) => {
    const text = readFileSync(new URL(`../${page}`, import.meta.url), 'utf8')
    expect(text).toContain('20.19 or newer (in the 22 series, 22.12 or newer)')
    expect(text).not.toMatch(/Node(\.js)?\]?(\([^)]*\))? 18/)
  })
})
