import { appendFile, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PeerId, Sha256Hex } from '../contract/ids.ts'
import type { RequestView } from '../contract/request.ts'
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts'
import { Deliveries } from './deliveries.ts'

const DAY_MS = 24 * 3600_000
const liar = '1'.repeat(64) as PeerId
const digest = (n: number) => n.toString(16).padStart(64, '0') as Sha256Hex
const done = (n: number, more: Partial<RequestView> = {}) =>
  ({
    id: `r-${n}`,
    state: 'done',
    sha256: digest(n),
    url: `https://ana:secret@origin.test/${n}?sig=hush`,
    destination: `/home/ana/${n}`,
    ...more
  }) as RequestView

let dir: string
let clock: FakeClock
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'larder-deliveries-'))
  clock = fakeClock()
})
afterEach(() => rm(dir, { recursive: true, force: true }))

describe('what was put somewhere', () => {
  it('is remembered over restarts, in a file for this user alone, until who got it is told', async () => {
    let deliveries = await Deliveries.open(dir, clock)
    deliveries.note(done(1), () => [liar])
    deliveries.note(done(2), () => [])
    await deliveries.close()
    if (process.platform !== 'win32') expect((await stat(join(dir, 'deliveries.ndjson'))).mode & 0o077).toBe(0)
    await appendFile(join(dir, 'deliveries.ndjson'), '{"at":\n')
    deliveries = await Deliveries.open(dir, clock)
    expect(deliveries.signedBy(liar)).toEqual([digest(1)])
    const [one] = deliveries.take(digest(1))
    expect(one).toMatchObject({ destination: '/home/ana/1', signers: [liar] })
    expect(one!.url).not.toMatch(/secret|hush/)
    await deliveries.close()
    deliveries = await Deliveries.open(dir, clock)
    expect(deliveries.take(digest(1))).toEqual([])
    expect(deliveries.take(digest(2))).toHaveLength(1)
    await deliveries.close()
  })

  it('is noted once for each request that ended well, and forgotten after 90 days or 2,000 others', async () => {
    const deliveries = await Deliveries.open(dir, clock)
    for (const view of [done(1), done(1), done(2, { state: 'failed' }), done(3, { destination: null })])
      deliveries.note(view, () => [liar])
    expect(deliveries.signedBy(liar)).toEqual([digest(1)])
    clock.jumpWall(91 * DAY_MS)
    for (let n = 10; n < 2015; n++) deliveries.note(done(n), () => [liar])
    expect(deliveries.signedBy(liar)).toHaveLength(2000)
    expect(deliveries.take(digest(1))).toEqual([])
    expect(deliveries.take(digest(14))).toEqual([])
    await deliveries.close()
  })
})
