import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ask } from '../src-main/testing/fleet.ts'
import { expect, give, goTo, notified, snapshotOf, test, trayLabels, untilConnected, untilRunning } from './fixture.ts'

const MIB = 1024 * 1024
const sha256 = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex')

test('a file that the other PCs have comes from them, and the origin is not asked for it again', async ({
  site,
  app,
  ui,
  origin,
  filesDir
}) => {
  await untilRunning(app)
  await untilConnected(ui, site)
  const url = origin.put('/module.bin', { generate: { bytes: 8 * MIB, seed: 'module' } })
  expect((await ask(site.agents[0]!.agent, { url })).state).toBe('done')
  expect(origin.stats().contentBytes).toBe(8 * MIB)

  const destination = join(filesDir, 'module.bin')
  await goTo(ui, 'Downloads')
  await ui.getByRole('button', { name: 'Add a download' }).first().click()
  await ui.getByLabel('Address').fill(url)
  await ui.getByLabel('Save as').last().fill(destination)
  await ui.getByRole('button', { name: 'Download', exact: true }).click()
  await expect(ui.getByText('module.bin').first()).toBeVisible()
  await expect.poll(async () => (await snapshotOf(ui))?.requests[0]?.state).toBe('done')
  expect((await snapshotOf(ui))?.requests[0]).toMatchObject({
    split: { originBytes: 0, peerBytes: 8 * MIB, cacheBytes: 0 },
    haveBytes: 8 * MIB,
    stale: false
  })
  expect(sha256(destination)).toBe(await origin.sha256('/module.bin'))
  expect(origin.stats().contentBytes).toBe(8 * MIB)
  await expect.poll(() => trayLabels(app)).toContain('Idle')
})

test('three PCs that ask at once make the file cross the WAN once', async ({ site, app, ui, origin, filesDir }) => {
  await untilRunning(app)
  await untilConnected(ui, site)
  const url = origin.put('/together.bin', { generate: { bytes: 6 * MIB, seed: 'together' } })
  const destination = join(filesDir, 'together.bin')
  const others = Promise.all(site.agents.map(({ agent }) => ask(agent, { url })))
  await give(ui, { c: 'request.start', spec: { url, destination } })
  const ended = await others
  await expect.poll(async () => (await snapshotOf(ui))?.requests[0]?.state).toBe('done')
  const all = [...ended, (await snapshotOf(ui))!.requests[0]!].map(({ state, split, reasons }) => ({
    state,
    originBytes: split.originBytes,
    reasons: reasons.map(({ code }) => code)
  }))
  expect(all.map(({ state }) => state)).toEqual(['done', 'done', 'done'])
  expect(sha256(destination)).toBe(await origin.sha256('/together.bin'))
  expect(origin.stats().contentBytes, JSON.stringify(all)).toBe(6 * MIB)
})

test('a file that is not there fails with the reason, is told once, and can be asked for again', async ({
  app,
  ui,
  origin
}) => {
  await untilRunning(app)
  const url = `${origin.url}/nowhere.bin`
  const started = await give(ui, { c: 'request.start', spec: { url } })
  if (!started.ok) throw new Error(started.error.message)
  await expect.poll(async () => (await snapshotOf(ui))?.requests[0]?.state).toBe('failed')
  expect((await snapshotOf(ui))?.requests[0]?.error).toMatchObject({ code: 'ORIGIN_NOT_FOUND' })

  origin.put('/nowhere.bin', { generate: { bytes: 1000, seed: 2 } })
  // That it is not there is believed for some seconds, whoever asks.
  let { id } = started.value
  await expect(async () => {
    const again = await give(ui, { c: 'request.retry', id })
    if (!again.ok) throw new Error(again.error.message)
    id = again.value.id
    await expect
      .poll(async () => (await snapshotOf(ui))?.requests.find((request) => request.id === id)?.state)
      .toMatch(/^(done|failed)$/)
    expect((await snapshotOf(ui))?.requests.find((request) => request.id === id)?.state).toBe('done')
  }).toPass()
})

test('an address that cannot be asked for is refused in the dialog, with what to do instead', async ({ app, ui }) => {
  await untilRunning(app)
  await goTo(ui, 'Downloads')
  await ui.getByRole('button', { name: 'Add a download' }).first().click()
  const refused: [address: string, next: string][] = [
    ['ftp://example.com/a', 'Use an http:// or https:// URL.'],
    ['http://', 'Give an absolute http:// or https:// URL.'],
    ['setup.msi', 'Give an absolute URL or set backgroundChannel.url.']
  ]
  for (const [address, next] of refused) {
    await ui.getByLabel('Address').fill(address)
    await ui.getByRole('button', { name: 'Download', exact: true }).click()
    await expect(ui.getByRole('dialog').getByText(next), address).toBeVisible()
  }
  expect((await snapshotOf(ui))?.requests).toEqual([])
})

test('failures that come together are told in one notification, and none when they are turned off', async ({
  app,
  ui,
  origin
}) => {
  await untilRunning(app)
  const notices = await notified(app)
  const told = async () => (await notices()).map(({ title }) => title)
  const fail = (name: string) => give(ui, { c: 'request.start', spec: { url: `${origin.url}/${name}` } })
  const untilFailed = (count: number) =>
    expect
      .poll(async () => (await snapshotOf(ui))?.requests.filter(({ state }) => state === 'failed').length)
      .toBe(count)
  expect(await give(ui, { c: 'settings.set', name: 'app.notifications', value: false })).toMatchObject({
    ok: true,
    value: { value: false, source: 'file' }
  })
  await fail('d')
  await untilFailed(1)

  expect(await give(ui, { c: 'settings.set', name: 'app.notifications', value: true })).toMatchObject({
    ok: true,
    value: { value: true }
  })
  await Promise.all(['a', 'b', 'c'].map(fail))
  await untilFailed(4)
  // Were the first one told, it would stand before this, or be counted in it.
  await expect.poll(told).toEqual(['3 downloads failed'])
})
