import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startAgentRig } from '../../testing/agent-rig.ts'
import { Output } from '../output.ts'
import { showUpdates } from './update-commands.ts'

const manifestUrl = 'https://updates.example/stable.json'
let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'larder-update-status-'))
  mkdirSync(join(dir, 'machine'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const put = (text: string) => writeFileSync(join(dir, 'machine', 'settings.json'), text, { mode: 0o600 })

async function shown(): Promise<unknown> {
  let said = ''
  const stream = new Writable({ write: (chunk, _encoding, done) => ((said += String(chunk)), done()) })
  await showUpdates(new Output(true, { stdout: stream, stderr: stream }), {
    policyFile: join(dir, 'policy.json'),
    machinePlace: join(dir, 'run'),
    machineDataDir: join(dir, 'machine')
  })
  return JSON.parse(said)
}

test('while the service does not run, its own files say where releases come from', async () => {
  put(JSON.stringify({ updates: { enabled: true, manifestUrl, channel: 'beta' } }))
  expect(await shown()).toMatchObject({ enabled: true, manifestUrl, channel: 'beta' })
})

test('what cannot be read is not told as off', async () => {
  put('{"updates":')
  expect(await shown()).toMatchObject({
    enabled: null,
    manifestUrl: null,
    channel: null,
    unknown: expect.stringContaining('settings.json') as string
  })
})

if (process.platform === 'win32')
  console.log('skipped: what a running service says: there is no agent of all users on Windows yet')

test.skipIf(process.platform === 'win32')('a service that runs says it itself, to every user', async () => {
  put('{"updates":')
  const rig = await startAgentRig({
    settings: { updates: { enabled: true, manifestUrl } },
    machine: { place: join(dir, 'run') }
  })
  try {
    const status = await shown()
    expect(status).toMatchObject({ enabled: true, manifestUrl, channel: 'stable' })
    expect(status).not.toHaveProperty('unknown')
  } finally {
    await rig.close()
  }
})
