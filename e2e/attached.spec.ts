import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createAgent } from '../src-main/agent/create-agent.ts'
import { runLocalAgent, type RunningAgent } from '../src-main/api/local-agent.ts'
import { testSettings } from '../src-main/testing/fleet.ts'
import { keptLog } from '../src-main/testing/kept-log.ts'
import { expect, goTo, openPage, runDir, snapshotOf, test as base, trayLabels } from './fixture.ts'

const MIB = 1024 * 1024
const sha256 = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex')

/** The agent of all users of this PC, as its service would run it. */
interface MachineAgent {
  readonly place: string
  start(): Promise<RunningAgent>
  stop(): Promise<void>
}

const test = base.extend<{ machine: MachineAgent }>({
  machine: async ({}, use) => {
    const dir = await mkdtemp(join(runDir(), 'machine-'))
    const place = join(dir, 'run')
    let running: RunningAgent | null = null
    const stop = async () => {
      await running?.stop()
      running = null
    }
    await use({
      place,
      start: async () =>
        (running = await runLocalAgent({
          dataDir: join(dir, 'data'),
          settings: testSettings(null, [], {}),
          name: 'pc-of-all',
          createAgent,
          env: {},
          log: keptLog(),
          machine: { place }
        })),
      stop
    })
    await stop()
    await rm(dir, { recursive: true, force: true })
  },
  launch: async ({ launch, machine }, use) =>
    use((options) => launch({ ...options, env: { ...options?.env, LARDER_E2E_PLACE: machine.place } }))
})

test.skip(process.platform === 'win32', 'there is no agent of all users on Windows yet')

test('where an agent serves all users of the PC, tray and window are at that one, and run none', async ({
  machine,
  launch,
  dataDir,
  filesDir,
  origin
}) => {
  const { agent } = await machine.start()
  const app = await launch()
  const ui = await openPage(app)
  await expect.poll(async () => (await snapshotOf(ui))?.agentId).toBe(agent.snapshot().agentId)
  expect(await app.evaluate(() => globalThis.larderE2e.engine.ownAgent === null)).toBe(true)
  expect(existsSync(join(dataDir, 'agent.json'))).toBe(false)

  const url = origin.put('/for-anna.bin', { generate: { bytes: 3 * MIB, seed: 'anna' } })
  const destination = join(filesDir, 'for-anna.bin')
  await goTo(ui, 'Downloads')
  await ui.getByRole('button', { name: 'Add a download' }).first().click()
  await ui.getByLabel('Address').fill(url)
  await ui.getByLabel('Save as').last().fill(destination)
  await ui.getByRole('button', { name: 'Download', exact: true }).click()
  await expect.poll(async () => (await snapshotOf(ui))?.requests[0]).toMatchObject({ state: 'done', destination })
  expect(sha256(destination)).toBe(await origin.sha256('/for-anna.bin'))
  // The agent itself wrote no file for anybody.
  expect(agent.requests().map((request) => request.destination)).toEqual([null])

  agent.pauseAll(null)
  await expect.poll(() => trayLabels(app)).toContain('Resume')
})

test('the agent restarted under it: the window waits, and goes on by itself', async ({
  machine,
  launch,
  filesDir,
  origin
}) => {
  const before = await machine.start()
  const { bootId } = before.agent.snapshot()
  const app = await launch()
  const ui = await openPage(app)
  await expect.poll(async () => (await snapshotOf(ui))?.bootId).toBe(bootId)

  await machine.stop()
  await expect(ui.getByText('Larder is starting…')).toBeVisible()
  await expect.poll(() => trayLabels(app)).toContain('Starting…')

  const { agent } = await machine.start()
  await expect.poll(async () => (await snapshotOf(ui))?.bootId).toBe(agent.snapshot().bootId)
  expect(agent.snapshot().bootId).not.toBe(bootId)
  await expect.poll(() => trayLabels(app)).toContain('Idle')
  const url = origin.put('/afterwards.bin', { generate: { bytes: MIB, seed: 'afterwards' } })
  const destination = join(filesDir, 'afterwards.bin')
  await goTo(ui, 'Downloads')
  await ui.getByRole('button', { name: 'Add a download' }).first().click()
  await ui.getByLabel('Address').fill(url)
  await ui.getByLabel('Save as').last().fill(destination)
  await ui.getByRole('button', { name: 'Download', exact: true }).click()
  await expect.poll(() => existsSync(destination) && sha256(destination)).toBe(await origin.sha256('/afterwards.bin'))
})
