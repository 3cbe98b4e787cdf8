import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, give, goTo, openPage, snapshotOf, test, untilRunning } from './fixture.ts'

const DAY_MS = 24 * 3600_000

test('a content pinned for a time stays so while the cache moves to another folder, which the window asks for and watches', async ({
  launch,
  origin,
  filesDir
}) => {
  const app = await launch()
  const page = await openPage(app)
  await untilRunning(app)
  for (const name of ['one.bin', 'two.bin'])
    await give(page, {
      c: 'request.start',
      spec: { url: origin.put(`/${name}`, { generate: { bytes: 300_000, seed: name } }) }
    })
  await expect.poll(async () => (await snapshotOf(page))?.cache.entries).toBe(2)
  const entries = async () => {
    const listed = await give(page, { c: 'cache.list', query: {} })
    if (!listed.ok) throw new Error(listed.error.message)
    return listed.value.entries
  }

  await goTo(page, 'Cache')
  await page.getByRole('row', { name: /one\.bin/ }).click()
  const before = Date.now()
  await page.getByRole('button', { name: 'Pin for…' }).click()
  await page.getByRole('menuitem', { name: '30 days' }).click()
  await expect(page.getByText(/^Pinned until \d+ \w+ \d{4}$/)).toBeVisible()
  await page.getByLabel('Priority').selectOption('high')
  await expect.poll(async () => (await entries()).find(({ pinned }) => pinned)).toMatchObject({ priority: 'high' })
  const until = (await entries()).find(({ pinned }) => pinned)!.pinnedUntil!
  expect(until - before).toBeGreaterThanOrEqual(30 * DAY_MS)
  expect(until - Date.now()).toBeLessThanOrEqual(30 * DAY_MS)

  const former = (await snapshotOf(page))!.cache.dir
  const next = join(filesDir, 'larder-cache')
  await page.getByRole('button', { name: 'Move…' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('New folder').fill('larder-cache')
  await dialog.getByRole('button', { name: 'Move', exact: true }).click()
  await expect(dialog.getByText('is not an absolute path')).toBeVisible()
  await dialog.getByLabel('New folder').fill(next)
  await dialog.getByRole('button', { name: 'Move', exact: true }).click()
  await expect(page.getByText('The cache moves when Larder next starts.')).toBeVisible()
  expect((await snapshotOf(page))?.cache).toMatchObject({ dir: former })

  await page.getByRole('button', { name: 'Restart the agent now' }).click()
  await expect.poll(async () => (await snapshotOf(page))?.cache).toMatchObject({ dir: next, entries: 2, moving: null })
  expect((await snapshotOf(page))?.cacheNext).toBeNull()
  expect((await entries()).find(({ pinned }) => pinned)).toMatchObject({ pinnedUntil: until, priority: 'high' })
  await expect(page.getByText('The cache moves when Larder next starts.')).toHaveCount(0)
  expect(existsSync(next)).toBe(true)
})

test('a list is pre-cached when somebody clicks; the overview tells what came and why something did not', async ({
  settings,
  launch,
  origin,
  filesDir
}) => {
  const list = join(filesDir, 'nightly.txt')
  await writeFile(
    list,
    [origin.put('/module.bin', { generate: { bytes: 200_000, seed: 'module' } }), `${origin.url}/missing.bin`].join(
      '\n'
    )
  )
  const hour = new Date().getHours()
  // Its hours are not now, so that only a person begins it.
  settings.precache = { list, from: (hour + 6) % 24, to: ((hour + 7) % 24) + 1 }
  const app = await launch()
  const page = await openPage(app)
  await untilRunning(app)
  const panel = page.getByRole('region', { name: 'Pre-caching' })
  await expect(panel.getByText('List: nightly.txt')).toBeVisible()
  await expect(panel.getByText(/^Next run: /)).toBeVisible()
  await panel.getByRole('button', { name: 'Run now' }).click()
  await expect(panel.getByText(/1 of 2 contents ready/)).toBeVisible()
  expect((await snapshotOf(page))?.cache.entries).toBe(1)
  await panel.getByRole('button', { name: '1 failure' }).click()
  await expect(page.getByRole('dialog').getByText(/ORIGIN_NOT_FOUND/)).toBeVisible()
})

test('a limit of speed counts at once, and the overview tells it', async ({ app, ui }) => {
  await untilRunning(app)
  await expect(ui.getByRole('heading', { name: 'Overview' })).toBeVisible()
  await expect(ui.getByRole('region', { name: 'Limits' })).toHaveCount(0)
  expect(await give(ui, { c: 'settings.set', name: 'rates.wanBackground', value: 2 * 2 ** 20 })).toMatchObject({
    ok: true,
    value: { pending: false }
  })
  await expect(ui.getByRole('region', { name: 'Limits' }).getByText('at most 2 MiB/s in the background')).toBeVisible()
  await ui.getByRole('region', { name: 'Limits' }).getByRole('button', { name: 'Limits' }).click()
  await expect(ui.getByRole('textbox', { name: 'Background download limit' })).toHaveValue('2 MiB/s')
})
