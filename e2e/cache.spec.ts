import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, give, goTo, openPage, snapshotOf, test, untilRunning } from './fixture.ts'

test('in the window one content is removed, the others are cleared, and what is pinned stays, also after a restart; files that were delivered stay too', async ({
  launch,
  origin,
  filesDir
}) => {
  const first = await launch()
  const page = await openPage(first)
  await untilRunning(first)
  const names = ['one.bin', 'two.bin', 'three.bin', 'four.bin']
  for (const name of names) {
    const url = origin.put(`/${name}`, { generate: { bytes: 100_000, seed: name } })
    await give(page, { c: 'request.start', spec: { url, destination: join(filesDir, name) } })
  }
  await expect
    .poll(async () => (await snapshotOf(page))?.requests.filter(({ state }) => state === 'done').length)
    .toBe(4)
  const kept = async () => {
    const listed = await give(page, { c: 'cache.list', query: {} })
    if (!listed.ok) throw new Error(listed.error.message)
    return listed.value.entries
      .map(({ urls, pinned }) => `${urls[0]?.split('/').at(-1)}${pinned ? ', pinned' : ''}`)
      .toSorted()
  }

  await goTo(page, 'Cache')
  await page.getByRole('button', { name: 'Pin: three.bin' }).click()
  await expect.poll(kept).toEqual(['four.bin', 'one.bin', 'three.bin, pinned', 'two.bin'])
  await page.getByRole('button', { name: 'Remove: one.bin' }).click()
  const dialog = page.getByRole('alertdialog').or(page.getByRole('dialog'))
  await dialog.getByRole('button', { name: 'Remove' }).click()
  await expect.poll(kept).toEqual(['four.bin', 'three.bin, pinned', 'two.bin'])

  await page.getByRole('button', { name: /^Clear/ }).click()
  await expect(dialog.getByText(/2 contents .*will be removed/)).toBeVisible()
  expect(await kept()).toHaveLength(3)
  await dialog.getByRole('button', { name: /^Free/ }).click()
  await expect.poll(kept).toEqual(['three.bin, pinned'])
  await expect(page.getByRole('button', { name: 'Unpin: three.bin' })).toBeVisible()
  await first.close()

  const second = await launch()
  const again = await openPage(second)
  await untilRunning(second)
  await goTo(again, 'Cache')
  await expect(again.getByRole('button', { name: 'Unpin: three.bin' })).toBeVisible()
  await again.getByRole('button', { name: /^Clear/ }).click()
  await again.getByLabel('Remove pinned contents too').check()
  await again.getByRole('button', { name: /^Free/ }).click()
  await expect.poll(async () => (await snapshotOf(again))?.cache.entries).toBe(0)
  expect(names.filter((name) => existsSync(join(filesDir, name)))).toEqual(names)
})

test('verification reads every content; one that is not there cannot be removed', async ({ app, ui, origin }) => {
  await untilRunning(app)
  for (const name of ['a', 'b', 'c'])
    await give(ui, {
      c: 'request.start',
      spec: { url: origin.put(`/${name}`, { generate: { bytes: 100_000, seed: name } }) }
    })
  await expect.poll(async () => (await snapshotOf(ui))?.requests.filter(({ state }) => state === 'done').length).toBe(3)
  expect(await give(ui, { c: 'cache.verify' })).toMatchObject({ ok: true, value: { checked: 3, ok: 3, damaged: [] } })
  const listed = await give(ui, { c: 'cache.list', query: { sort: 'size' } })
  if (!listed.ok) throw new Error(listed.error.message)
  expect(listed.value).toMatchObject({ total: 3, stats: { entries: 3, bytes: 300_000 } })
  expect(await give(ui, { c: 'cache.remove', sha256: listed.value.entries[0]!.sha256 })).toMatchObject({
    ok: true,
    value: { bytes: 100_000 }
  })
  expect(await give(ui, { c: 'cache.remove', sha256: listed.value.entries[0]!.sha256 })).toMatchObject({
    ok: false,
    error: { code: 'NOT_FOUND' }
  })
})
