import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Settings } from '../contract/settings.ts'
import { systemClock } from '../lib/clock.ts'
import { settingsInMemory } from '../settings/live-settings.ts'
import { startAgentRig, type AgentRig } from '../testing/agent-rig.ts'
import { SettingsBook } from '../window/setting-views.ts'
import { doorPage, openUi, whyNoBrowser, type OpenInBrowser } from './open-ui.ts'
import { Output } from './output.ts'

let page: string
let rig: AgentRig
beforeAll(async () => {
  page = mkdtempSync(join(tmpdir(), 'larder-page-'))
  writeFileSync(join(page, 'index.html'), '')
  rig = await startAgentRig({
    ui: { rendererDir: page, settings: new SettingsBook(() => settingsInMemory(Settings.parse({}), systemClock), null) }
  })
})
afterAll(async () => {
  await rig.close()
  rmSync(page, { recursive: true })
})

const desktop = { DISPLAY: ':0' }
const noBrowser: OpenInBrowser = () => Promise.reject(new Error('spawn xdg-open ENOENT'))

async function run(
  options: { print?: boolean; json?: boolean },
  openInBrowser: OpenInBrowser,
  env = desktop as Record<string, string>
) {
  const written = { stdout: '', stderr: '' }
  const stream = (name: 'stdout' | 'stderr') =>
    new Writable({ write: (chunk, _encoding, done) => ((written[name] += String(chunk)), done()) })
  await openUi(
    { dataDir: rig.dataDir, ...options },
    new Output(options.json === true, { stdout: stream('stdout'), stderr: stream('stderr') }),
    openInBrowser,
    env
  )
  return written
}

const isGood = async (link: string) => {
  const { status } = await rig.call('POST', '/v1/ui/session', {
    body: JSON.stringify({ link: link.split('#link=')[1] }),
    headers: { authorization: null }
  })
  return status === 200
}

describe('larder ui', () => {
  test('gives the browser a file that only this user can read and that leads on to a good link', async () => {
    const opened: string[] = []
    const written = await run({}, async (url) => opened.push(url))
    expect(opened).toEqual([expect.stringMatching(/^file:\/\/.*\/open-window\.html$/)])
    const file = fileURLToPath(opened[0]!)
    if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600)
    const link = /url=(http:[^"]+)"/.exec(readFileSync(file, 'utf8'))![1]!
    expect(written.stdout).toContain('opens in your browser')
    expect(written.stdout + written.stderr).not.toContain(link)
    expect(await isGood(link)).toBe(true)
  })

  test.each<[string, { print?: boolean }, OpenInBrowser, Record<string, string>]>([
    ['it is asked to', { print: true }, async () => {}, desktop],
    ['there is no browser', {}, noBrowser, desktop],
    ['it runs over ssh', {}, async () => {}, { ...desktop, SSH_CONNECTION: '192.0.2.1 1 192.0.2.2 22' }]
  ])('prints a good link when %s', async (_, options, openInBrowser, env) => {
    const { stdout, stderr } = await run(options, openInBrowser, env)
    expect(stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/ui\/#link=[\w-]{43}\n$/)
    expect(stderr).toContain('2 minutes')
    expect(stderr.includes('ssh -L')).toBe('SSH_CONNECTION' in env)
    expect(await isGood(stdout.trim())).toBe(true)
  })

  test('is one value for a program', async () => {
    expect(JSON.parse((await run({ json: true }, async () => {})).stdout)).toEqual({ opened: true })
    expect(JSON.parse((await run({ json: true }, noBrowser)).stdout)).toEqual({
      opened: false,
      url: expect.any(String),
      validMs: 120_000
    })
  })

  test('says what to do when the agent serves no window', async () => {
    const plain = await startAgentRig()
    try {
      await expect(openUi({ dataDir: plain.dataDir }, new Output(false), noBrowser, desktop)).rejects.toMatchObject({
        code: 'NOT_FOUND',
        message: expect.stringContaining('larder agent --ui')
      })
    } finally {
      await plain.close()
    }
  })
})

test.each<[NodeJS.Platform, Record<string, string>, string | null]>([
  ['linux', {}, 'no-display'],
  ['linux', { DISPLAY: '' }, 'no-display'],
  ['linux', { DISPLAY: ':0' }, null],
  ['linux', { WAYLAND_DISPLAY: 'wayland-0' }, null],
  ['linux', { DISPLAY: ':0', WSL_DISTRO_NAME: 'Debian' }, 'other-system'],
  ['linux', { DISPLAY: 'localhost:10', SSH_TTY: '/dev/pts/0' }, 'ssh'],
  ['darwin', {}, null],
  ['darwin', { SSH_CONNECTION: 'x' }, 'ssh'],
  ['win32', {}, null]
])('on %s with %j the reason not to start a browser is %s', (platform, env, reason) => {
  expect(whyNoBrowser(platform, env)).toBe(reason)
})

test('what is no link of the window makes no page', () => {
  for (const url of [
    'https://evil.test/',
    'http://127.0.0.1:1/ui/"><script>',
    'http://127.0.0.1:1@evil.test/',
    'javascript:alert(1)'
  ])
    expect(() => doorPage(url)).toThrow(RangeError)
})
