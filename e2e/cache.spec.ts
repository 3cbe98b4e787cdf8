import { expect, give, snapshotOf, test, untilRunning } from './fixture.ts'

test('clearing the cache first counts, spares what is pinned, and takes that too when asked', async ({ app, ui, origin }) => {
  await untilRunning(app)
  const urls = ['a', 'b', 'c'].map((name) => origin.put(`/${name}`, { generate: { bytes: 100_000, seed: name } }))
  for (const url of urls) await give(ui, { c: 'request.start', spec: { url } })
  await expect.poll(async () => (await snapshotOf(ui))?.requests.filter(({ state }) => state === 'done').length).toBe(3)

  const listed = await give(ui, { c: 'cache.list', query: { sort: 'size' } })
  if (!listed.ok) throw new Error(listed.error.message)
  expect(listed.value).toMatchObject({ total: 3, stats: { entries: 3, bytes: 300_000 } })
  const pinned = listed.value.entries.find((entry) => entry.urls.includes(urls[1]!))!
  expect(await give(ui, { c: 'cache.pin', sha256: pinned.sha256, pinned: true })).toMatchObject({ ok: true })

  expect(await give(ui, { c: 'cache.verify' })).toMatchObject({ ok: true, value: { checked: 3, ok: 3, damaged: [] } })
  expect(await give(ui, { c: 'cache.clear', pinnedToo: false, dryRun: true })).toMatchObject({ ok: true, value: { dryRun: true } })
  expect(await give(ui, { c: 'cache.list', query: {} })).toMatchObject({ ok: true, value: { total: 3 } })

  // A content that was just transferred is held for latecomers; wait for nothing, ask what is kept.
  const cleared = await give(ui, { c: 'cache.clear', pinnedToo: false, dryRun: false })
  expect(cleared).toMatchObject({ ok: true, value: { removed: 2, bytes: 200_000, kept: 1 } })
  expect(await give(ui, { c: 'cache.list', query: {} })).toMatchObject({ ok: true, value: { total: 1, entries: [{ sha256: pinned.sha256, pinned: true }] } })

  expect(await give(ui, { c: 'cache.remove', sha256: pinned.sha256 })).toMatchObject({ ok: true, value: { bytes: 100_000 } })
  expect(await give(ui, { c: 'cache.remove', sha256: pinned.sha256 })).toMatchObject({ ok: false, error: { code: 'NOT_FOUND' } })
})
