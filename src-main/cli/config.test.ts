import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { errorTable } from '../contract/errors.ts'
import { LiveSettings } from '../settings/live-settings.ts'
import { diskFiles } from '../settings/settings-files.ts'
import { systemClock } from '../lib/clock.ts'
import { dataPaths } from '../lib/data-paths.ts'
import { runLocalAgent, type RunningAgent } from '../api/local-agent.ts'
import { AgentDouble } from '../testing/agent-double.ts'
import { keptLog } from '../testing/kept-log.ts'
import { commandLineValues } from '../settings/assignment.ts'
import { checkOutput } from '../testing/check-output.ts'
import { main } from './main.ts'

let dir: string
let running: RunningAgent | undefined
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'larder-config-'))
})
afterEach(async () => {
  await running?.stop()
  running = undefined
  rmSync(dir, { recursive: true })
})

const dataDir = () => join(dir, 'data')
const policyFile = () => join(dir, 'policy.json')
const policy = (value: object | string) =>
  writeFileSync(policyFile(), typeof value === 'string' ? value : JSON.stringify(value))
const userFile = () => JSON.parse(readFileSync(join(dataDir(), 'settings.json'), 'utf8')) as Record<string, unknown>

async function larder(...args: string[]): Promise<{ code: number; stdout: string; stderr: string; json: any }> {
  const written = { stdout: '', stderr: '' }
  const into = (name: 'stdout' | 'stderr') =>
    new Writable({ write: (chunk, _encoding, done) => ((written[name] += String(chunk)), done()) })
  const code = await main(
    [...args, '--data-dir', dataDir()],
    { stdout: into('stdout'), stderr: into('stderr') },
    { policyFile: policyFile() }
  )
  checkOutput(args, written.stdout)
  return { code, ...written, json: args.includes('--json') ? JSON.parse(written.stdout) : undefined }
}

/** An agent with its API on the same files. */
async function startAgent(commandLine = {}): Promise<LiveSettings> {
  const settings = new LiveSettings({
    files: diskFiles(dataPaths(dataDir()), policyFile()),
    commandLine: commandLineValues({ ports: { api: 0 }, ...commandLine }),
    clock: systemClock
  })
  running = await runLocalAgent({
    dataDir: dataDir(),
    settings,
    createAgent: (config, host) => new AgentDouble(config, host),
    log: keptLog()
  })
  return settings
}

describe.each(['without an agent', 'with a running agent'])('larder config, %s,', (how) => {
  beforeEach(async () => {
    if (how === 'with a running agent') await startAgent()
  })

  test('sets, shows and takes out a setting, with who and why', async () => {
    expect((await larder('config', 'get', 'transfers.stallMs')).stdout).toBe('15000\n')
    expect((await larder('config', 'set', 'transfers.stallMs', '9000', '--reason', 'slow line')).stdout).toMatch(
      /^transfers\.stallMs is 9000/
    )
    expect((await larder('config', 'get', 'transfers.stallMs', '--json')).json).toMatchObject({
      value: 9000,
      source: 'file',
      needsRestart: false,
      pending: false,
      author: { by: expect.stringMatching(/, command line$/), reason: 'slow line' }
    })
    expect(userFile()).toMatchObject({ transfers: { stallMs: 9000 } })
    expect((await larder('config', 'unset', 'transfers.stallMs')).stdout).toMatch(
      /^transfers\.stallMs is 15000 ms \(15 s\) \(default\)/
    )
    expect(userFile()).toMatchObject({ transfers: {} })
  })

  test('takes numbers with their unit and shows them so; scripts get the number', async () => {
    expect((await larder('config', 'set', 'cache.maxBytes', '20GiB')).stdout).toMatch(
      /^cache\.maxBytes is 21474836480 bytes \(20 GiB\)/
    )
    expect((await larder('config', 'get', 'cache.maxBytes')).stdout).toBe('21474836480\n')
    expect((await larder('config', 'get', 'cache.maxBytes', '--json')).json.value).toBe(21474836480)
    expect((await larder('config', 'explain', 'cache.maxBytes')).stdout).toContain(
      'or, on the command line, with a unit: 500M, 20GiB, 2 TiB\n'
    )
    const refused = await larder('config', 'set', 'rates.upload', '5 apples')
    expect(refused).toMatchObject({
      code: errorTable.SETTINGS_INVALID.exit,
      stderr: expect.stringContaining('expected a rate such as 2 MiB/s or 50 Mbit/s')
    })
    expect(userFile()).toMatchObject({ cache: { maxBytes: 21474836480 } })
  })

  test('refuses what does not exist, does not fit, or is managed', async () => {
    expect(await larder('config', 'get', 'no.such')).toMatchObject({
      code: errorTable.NOT_FOUND.exit,
      stderr: expect.stringContaining('no.such')
    })
    expect(await larder('config', 'set', 'ports.api', 'many')).toMatchObject({
      code: errorTable.SETTINGS_INVALID.exit,
      stderr: expect.stringContaining('expected a whole number from 0 to 65535')
    })
    policy({ by: 'IT desk', settings: { log: { level: 'warn' } } })
    running?.agent.settings.reload()
    expect((await larder('config', 'set', 'log.level', 'debug', '--json')).json.error).toMatchObject({
      code: 'SETTING_MANAGED',
      details: { by: 'IT desk' }
    })
  })

  test('turns the integration off and on, and says who did it, when and why', async () => {
    expect((await larder('integration', 'status')).stdout).toMatch(/^integration +on, by default\n/)
    expect((await larder('integration', 'off', '--reason', 'printer trouble')).stdout).toMatch(
      /^The integration is off, by .+, command line since \d{4}-.*: printer trouble/
    )
    expect((await larder('integration', 'status', '--json')).json).toMatchObject({
      integration: { enabled: false, reason: 'printer trouble', managedBy: null },
      staggerRangeSeconds: 300
    })
    expect((await larder('config', 'get', 'integration.enabled')).stdout).toBe('false\n')
    await larder('config', 'set', 'integration.enabled', 'true')
    expect((await larder('integration', 'status', '--json')).json.integration.enabled).toBe(true)
  })

  test('cannot turn on what the policy keeps off, and names its owner', async () => {
    policy({
      by: 'IT desk, ext. 1234',
      reason: 'pilot',
      settings: { integration: { enabled: false } },
      locked: ['integration.enabled']
    })
    running?.agent.settings.reload()
    const { code, stderr } = await larder('integration', 'on')
    expect(code).toBe(errorTable.SETTING_MANAGED.exit)
    expect(stderr).toContain('IT desk, ext. 1234')
    expect((await larder('integration', 'status')).stdout).toMatch(/cannot be switched here; ask IT desk, ext\. 1234/)
    expect((await larder('integration', 'status', '--json')).json.integration).toMatchObject({
      enabled: false,
      by: 'IT desk, ext. 1234',
      reason: 'pilot',
      managedBy: 'IT desk, ext. 1234'
    })
  })

  test('lists value and source, never a secret, and what is wrong with a file', async () => {
    const siteKey = `larder-site-${'k'.repeat(43)}`
    await larder('config', 'set', 'fleet.siteKey', siteKey)
    policy({ recommended: { cache: { minFreeBytes: 5 } } })
    running?.agent.settings.reload()
    const list = await larder('config', 'list')
    expect(list.stdout).toMatch(/fleet\.siteKey +set \(secret\) +file/)
    expect(list.stdout).toMatch(/cache\.minFreeBytes +5 bytes +policy \(recommended\)/)
    for (const args of [
      ['config', 'list', '--json'],
      ['config', 'explain', 'fleet.siteKey'],
      ['config', 'get', 'fleet.siteKey', '--json']
    ])
      expect((await larder(...args)).stdout).not.toContain(siteKey)
    policy('{\n  "settings": { "cache": { "minFreeBytes": "much" } }\n}')
    running?.agent.settings.reload()
    const { stdout } = await larder('config', 'list', '--changed')
    expect(stdout).toContain(`${policyFile()}, line 2, column 44: cache.minFreeBytes: `)
    expect((await larder('config', 'check')).code).toBe(errorTable.SETTINGS_INVALID.exit)
  })
})

test('config explain tells every place and which one rules', async () => {
  policy({ by: 'IT desk', recommended: { ports: { peer: 1 } }, settings: { ports: { peer: 3 } } })
  await startAgent({ ports: { api: 0, peer: 4 } })
  const { stdout } = await larder('config', 'explain', 'ports.peer')
  expect(stdout).toMatch(/value +4\n/)
  expect(stdout).toMatch(/takes +whole number from 0 to 65535\n/)
  expect(stdout).toMatch(/a change counts +from the agent’s next start on\n/)
  expect(stdout).toMatch(
    /default +4726 +built in\n +policy \(recommended\) +1 .*\n +policy +3 .*\n→ +command line +4 +the command line/
  )
})

test('a change that needs a restart is marked until then', async () => {
  await startAgent()
  expect((await larder('config', 'set', 'transfers.uploadSlots', '3')).stdout).toContain('next start')
  expect((await larder('config', 'list', 'uploadSlots')).stdout).toMatch(
    /transfers\.uploadSlots +3 +file +from the next start on/
  )
  expect((await larder('config', 'set', 'transfers.stallMs', '3000')).stdout).toContain('from now on')
})

test.each([
  ['a setting', { settings: { cache: { maxByte: 1 } } }, 'cache.maxByte', 'cache.maxBytes'],
  ['a section', { recommended: { rats: { upload: 70_000 } } }, 'rats.upload', 'rates.upload'],
  ['a locked name', { locked: ['integraton.enabled'] }, 'integraton.enabled', 'integration.enabled'],
  ['a locked section', { locked: ['cahce.*'] }, 'cahce.*', 'cache.*']
])('config check names %s that is misspelt, and what may be meant', async (_what, policy, wrong, right) => {
  const file = join(dir, 'draft.json')
  writeFileSync(file, JSON.stringify(policy))
  expect(await larder('config', 'check', file, '--policy')).toMatchObject({
    code: errorTable.SETTINGS_INVALID.exit,
    stdout: '',
    stderr: expect.stringContaining(`${wrong}: this release has no such setting; it is ignored. Did you mean ${right}?`)
  })
})

test('config check judges a file before it is rolled out', async () => {
  const file = join(dir, 'draft.json')
  writeFileSync(file, '{ "settings": { "log": { "level": "loud" } } }')
  const bad = await larder('config', 'check', file, '--policy')
  expect(bad).toMatchObject({
    code: errorTable.SETTINGS_INVALID.exit,
    stderr: expect.stringContaining(`${file}, line 1, column 35: log.level`)
  })
  writeFileSync(file, '{ "settings": { "log": { "level": "warn", "colour": 1 } }, "locked": ["log.*"] }')
  expect(await larder('config', 'check', file, '--policy')).toMatchObject({
    code: errorTable.SETTINGS_INVALID.exit,
    stderr: expect.stringContaining('log.colour: this release has no such setting')
  })
  expect((await larder('config', 'check', join(dir, 'none.json'))).code).toBe(errorTable.SETTINGS_INVALID.exit)
})

test('the agent tells what has changed in its events, and refuses a broken file without stopping', async () => {
  const settings = await startAgent()
  writeFileSync(join(dataDir(), 'settings.json'), '{"transfers": {"stallMs": 5000}}')
  settings.reload()
  writeFileSync(join(dataDir(), 'settings.json'), '{"transfers": {"stallMs": 5000')
  settings.reload()
  expect(settings.current.transfers.stallMs).toBe(5000)
  expect((await larder('config', 'list', '--json')).json.problems).toMatchObject([{ line: 1, inForce: 'last-good' }])
  expect((await larder('config', 'set', 'ports.peer', '1')).code).toBe(errorTable.SETTINGS_INVALID.exit)
})
