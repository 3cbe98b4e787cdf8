import { expect, give, goTo, snapshotOf, test, trayLabels, trayState, untilRunning } from './fixture.ts'

test('in the window everything is paused for an hour and resumed, and one download is paused, resumed and cancelled', async ({
  app,
  ui,
  origin
}) => {
  await untilRunning(app)
  origin.rateBytesPerSecond = 200_000
  await give(ui, {
    c: 'request.start',
    spec: { url: origin.put('/slow.bin', { generate: { bytes: 20_000_000, seed: 'slow' } }) }
  })
  const state = async () => (await snapshotOf(ui))?.requests[0]?.state
  await expect.poll(state).toBe('active')

  await ui.getByRole('button', { name: 'Pause', exact: true }).click()
  await ui.getByRole('menuitem', { name: 'For 1 hour' }).click()
  await expect(ui.getByText('Transfers are paused', { exact: true })).toBeVisible()
  await expect(ui.getByText(/^They stand still until .*, then go on by themselves\.$/)).toBeVisible()
  await expect.poll(state).toBe('paused')
  await expect.poll(() => trayState(app)).toBe('paused')
  await ui.getByRole('button', { name: /^Resume/ }).click()
  await expect.poll(state).toBe('active')

  await goTo(ui, 'Downloads')
  await ui.getByRole('tab', { name: /^Active \(1\)/ }).click()
  await ui.getByRole('button', { name: 'Pause: slow.bin' }).click()
  await expect.poll(state).toBe('paused')
  await ui.getByRole('tab', { name: /^Waiting \(1\)/ }).click()
  await ui.getByRole('button', { name: 'Resume: slow.bin' }).click()
  await ui.getByRole('tab', { name: /^Active \(1\)/ }).click()
  await ui.getByRole('button', { name: 'Cancel: slow.bin' }).click()
  await expect.poll(state).toBe('cancelled')
})

test('in the window the integration is turned off after a question, which the tray shows, and on again', async ({
  app,
  ui,
  origin
}) => {
  await untilRunning(app)
  await ui.getByRole('switch', { name: 'Integration on' }).click()
  await ui.getByRole('alertdialog').getByRole('button', { name: 'Keep as it is' }).click()
  expect((await snapshotOf(ui))?.integration.enabled).toBe(true)
  await ui.getByRole('switch', { name: 'Integration on' }).click()
  await ui.getByRole('alertdialog').getByRole('button', { name: 'Turn off' }).click()
  await expect(ui.getByRole('switch', { name: 'Integration off' })).toBeVisible()
  await expect(ui.getByText(/^Set by .* in the window/)).toBeVisible()
  await expect.poll(async () => (await trayLabels(app))[0]).toMatch(/^Integration off \(by .+\)$/)
  expect(await give(ui, { c: 'request.start', spec: { url: `${origin.url}/a` } })).toMatchObject({
    ok: false,
    error: { code: 'INTEGRATION_OFF' }
  })
  await ui.getByRole('switch', { name: 'Integration off' }).click()
  await expect.poll(() => trayState(app)).toBe('idle')
})
