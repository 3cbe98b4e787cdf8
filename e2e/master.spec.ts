import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from '../src-main/client/connection.ts'
import { larder, startAgentProcess } from './agent-process.ts'
import { expect, give, goTo, openPage, snapshotOf, test, untilConnected, untilRunning } from './fixture.ts'

const MIB = 1024 * 1024

test('the window names the master, and takes over when that PC dies; what it had told is not fetched again', async ({
  site,
  settings,
  launch,
  origin,
  filesDir
}) => {
  const seeds = settings.discovery?.seeds ?? []
  const doomed = await startAgentProcess({ name: 'doomed-pc', siteKey: site.siteKey, seeds, weight: 99 })
  try {
    settings.discovery = { ...settings.discovery, seeds: [...seeds, `127.0.0.1:${doomed.peerPort}`] }
    settings.election = { ...settings.election, weight: 90 }
    const app = await launch()
    const page = await openPage(app)
    await untilRunning(app)
    await untilConnected(page, site, 3)

    // More than comes at this rate until all has been looked at, however busy the machine.
    const bytes = 96 * MIB
    const url = origin.put('/image.bin', { generate: { bytes, seed: 'image' } })
    origin.rateBytesPerSecond = MIB
    const destination = join(filesDir, 'image.bin')
    // On a busy machine the client may find the agent too slow to be there; asked twice is as good as once.
    await expect(async () => (await connect({ dataDir: doomed.dataDir })).request({ url })).toPass()
    await expect(async () =>
      expect(await larder(doomed.dataDir, 'masters')).toMatchObject({ masters: [{ url, self: true }] })
    ).toPass()
    await give(page, { c: 'request.start', spec: { url, destination } })

    await goTo(page, 'Site')
    await expect(page.getByText('Master: doomed-pc')).toBeVisible()
    const master = async () => (await snapshotOf(page))?.masters.find(({ url: of }) => of === url)
    const before = (await master())!
    expect(before).toMatchObject({ masterName: 'doomed-pc', self: false })
    await expect.poll(async () => (await snapshotOf(page))?.requests[0]?.haveBytes ?? 0).toBeGreaterThanOrEqual(2 * MIB)
    expect((await snapshotOf(page))?.requests[0]).toMatchObject({ role: 'follower', split: { originBytes: 0 } })

    doomed.kill()
    await expect(page.getByText('This PC is the master')).toBeVisible()
    expect((await master())!.epoch).toBeGreaterThan(before.epoch)
    origin.rateBytesPerSecond = null
    await expect.poll(async () => (await snapshotOf(page))?.requests[0]?.state).toBe('done')
    expect((await snapshotOf(page))!.requests[0]!.split.peerBytes).toBeGreaterThanOrEqual(2 * MIB)
    expect(createHash('sha256').update(readFileSync(destination)).digest('hex')).toBe(await origin.sha256('/image.bin'))
    // Lost is what only the dead PC had: pieces under way.
    expect(origin.contentBytes('/image.bin')).toBeLessThanOrEqual(bytes + 3 * MIB)
  } finally {
    await doomed.end()
  }
})
