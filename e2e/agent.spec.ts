import { createAgent } from '../src-main/agent/create-agent.ts'
import { runLocalAgent } from '../src-main/api/local-agent.ts'
import { Settings } from '../src-main/contract/settings.ts'
import { keptLog } from '../src-main/testing/kept-log.ts'
import { expect, give, openPage, snapshotOf, test, trayClick, trayLabels, trayState, untilRunning } from './fixture.ts'

test('when a headless agent has the data folder the tray says so, and takes over once it has ended', async ({
  launch,
  settings,
  dataDir
}) => {
  const headless = await runLocalAgent({ dataDir, settings: Settings.parse(settings), createAgent, log: keptLog() })
  try {
    const app = await launch()
    const page = await openPage(app)
    await expect
      .poll(() => trayLabels(app))
      .toEqual([expect.stringMatching(/already/), 'Try again', 'Open Larder', 'Open log folder', 'Quit'])
    expect(await trayState(app)).toBe('error')
    expect(await give(page, { c: 'cache.list', query: {} })).toMatchObject({
      ok: false,
      error: { code: 'AGENT_ALREADY_RUNNING', details: { pid: process.pid } }
    })
    expect(await give(page, { c: 'snapshot.get' })).toMatchObject({
      ok: true,
      value: { status: { state: 'failed' }, snapshot: null }
    })

    await headless.stop()
    await trayClick(app, 'restart')
    await expect.poll(async () => (await trayLabels(app))[0]).toBe('Idle')
  } finally {
    await headless.stop()
  }
})

test('a setting keeps what it was set to, says where it came from, and counts at once or after a restart of the agent', async ({
  app,
  ui
}) => {
  await untilRunning(app)
  expect(await give(ui, { c: 'settings.set', name: 'election.weight', value: 7 })).toMatchObject({
    ok: true,
    value: { name: 'election.weight', value: 7, source: 'file', pending: false, managed: false }
  })
  await expect.poll(async () => (await snapshotOf(ui))?.weight.value).toBe(7)
  expect(await give(ui, { c: 'settings.set', name: 'election.weight', value: 700 })).toMatchObject({
    ok: false,
    error: { code: 'SETTINGS_INVALID' }
  })
  expect(await give(ui, { c: 'settings.set', name: 'election.windowMs', value: 300 })).toMatchObject({
    ok: true,
    value: { value: 300, pending: true }
  })
  expect(await give(ui, { c: 'agent.restart' })).toMatchObject({ ok: true })
  expect(await snapshotOf(ui)).toMatchObject({ weight: { value: 7 } })
  const listed = await give(ui, { c: 'settings.list' })
  if (!listed.ok) throw new Error(listed.error.message)
  expect(listed.value.settings.filter(({ pending }) => pending)).toEqual([])
})

test('the site key never reaches the page', async ({ site, app, ui }) => {
  await untilRunning(app)
  const listed = await give(ui, { c: 'settings.list' })
  if (!listed.ok) throw new Error(listed.error.message)
  expect(listed.value.settings.find(({ name }) => name === 'fleet.siteKey')).toMatchObject({
    value: null,
    secret: true,
    isSet: true,
    source: 'file'
  })
  const everything = JSON.stringify([
    listed,
    await give(ui, { c: 'snapshot.get' }),
    await give(ui, { c: 'app.info' }),
    await give(ui, { c: 'events.list', since: 0 })
  ])
  expect(everything).not.toContain(site.siteKey)
})
