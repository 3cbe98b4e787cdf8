import { expect, test } from 'vitest'
import { Settings } from '../contract/settings.ts'
import { afterNews } from '../contract/snapshot-change.ts'
import { isChange, type SnapshotMessage, type SnapshotNews } from '../contract/snapshot-message.ts'
import { AgentDouble } from '../testing/agent-double.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { keptLog } from '../testing/kept-log.ts'
import { SnapshotFeed } from './snapshot-feed.ts'

function setUp() {
  const clock = fakeClock()
  const world = {
    snapshot: new AgentDouble(
      { dataDir: '/nowhere', settings: Settings.parse({}), name: 'pc' },
      { clock, log: keptLog(), env: {} }
    ).snapshot()
  }
  const feed = new SnapshotFeed(clock, () => ({ status: { state: 'running' }, snapshot: world.snapshot }))
  const rename = (name: string) => {
    world.snapshot = { ...world.snapshot, name }
    feed.noteChange()
  }
  const window = () => {
    const next = feed.reader()
    const got: SnapshotNews[] = [next()]
    feed.on('changed', () => got.push(next()))
    return got
  }
  const known = (news: readonly SnapshotNews[]) =>
    news.reduce<SnapshotMessage | null>((before, one) => afterNews(before, one), null)
  return { clock, feed, rename, window, known }
}

test('a window is sent the whole once, and then changes, at most ten a second', async () => {
  const { clock, rename, window, known } = setUp()
  const got = window()
  for (let i = 0; i < 40; i++) {
    rename(`name ${i}`)
    await clock.pass(25)
  }
  await clock.pass(100)
  expect(got.map(isChange)).toEqual([false, ...got.slice(1).map(() => true)])
  expect(got.length).toBeLessThanOrEqual(1 + 11)
  expect(known(got)!.snapshot!.name).toBe('name 39')
})

test('each window is told from what it was sent last; those that have the same get the same object', async () => {
  const { clock, feed, rename, window, known } = setUp()
  const [a, b] = [window(), window()]
  rename('first')
  await clock.pass(100)
  const hidden = feed.reader()
  const kept = [hidden()]
  rename('second')
  await clock.pass(100)
  rename('third')
  await clock.pass(100)
  expect(a.at(-1)).toBe(b.at(-1))
  kept.push(hidden())
  expect(kept[1]).toMatchObject({ base: kept[0]!.n, n: feed.newest.n, snapshot: { name: 'third' } })
  for (const news of [a, b, kept]) expect(known(news)).toEqual(feed.newest)
})

test('who asks gets the state of this moment, and all windows are told it at once', async () => {
  const { clock, feed, rename, window, known } = setUp()
  const got = window()
  rename('asked')
  const answer = feed.message()
  expect(answer.snapshot!.name).toBe('asked')
  expect(known(got)).toEqual(answer)
  await clock.pass(100)
  expect(got).toHaveLength(2)
  rename('later')
  await clock.pass(100)
  expect(got.at(-1)).toMatchObject({ base: answer.n })
})
