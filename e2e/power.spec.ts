import { exitOf, expect, give, snapshotOf, test, trayLabels, untilRunning } from './fixture.ts'

test('sleep pauses transfers and waking up lets them go on; so does battery where that is wanted; a pause of a person stays', async ({
  app,
  ui
}) => {
  await untilRunning(app)
  const power = (event: 'suspend' | 'resume' | 'on-battery' | 'on-ac') =>
    app.evaluate(
      ({ powerMonitor }, name) => new Promise<void>((done) => setImmediate(() => done(void powerMonitor.emit(name)))),
      event
    )
  const isPaused = async () => (await snapshotOf(ui))?.paused !== null
  await power('suspend')
  await expect.poll(() => trayLabels(app)).toContain('Resume')
  await power('resume')
  await expect.poll(async () => (await trayLabels(app))[0]).toBe('Idle')

  await power('on-battery')
  expect(await isPaused()).toBe(false)
  await give(ui, { c: 'settings.set', name: 'app.pauseOnBattery', value: true })
  await expect.poll(isPaused).toBe(true)
  await power('on-ac')
  await expect.poll(isPaused).toBe(false)

  await give(ui, { c: 'all.pause', forMs: null })
  for (const event of ['suspend', 'on-battery', 'resume', 'on-ac'] as const) await power(event)
  expect((await snapshotOf(ui))?.paused).toEqual({ until: null, by: ['person'] })
})

test('when the system shuts down it is asked to wait until agent and application have ended', async ({ app }) => {
  await untilRunning(app)
  const exited = exitOf(app)
  const waits = await app.evaluate(({ powerMonitor }) => {
    let waiting = false
    powerMonitor.emit('shutdown', { preventDefault: () => (waiting = true) })
    return waiting
  })
  expect(waits).toBe(true)
  expect(await exited).toBe(0)
})
