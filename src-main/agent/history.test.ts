import { appendFile, mkdtemp, readdir, readFile, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { AgentEvent } from '../contract/events.ts'
import type { RequestView } from '../contract/request.ts'
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts'
import { ask, startFleet, untilSnapshot } from '../testing/fleet.ts'
import { startOriginServer } from '../testing/origin-server.ts'
import { History, MOST_REQUESTS, REMEMBERED_MS } from './history.ts'
import { explain } from './why.ts'

vi.setConfig({ testTimeout: 60_000 })

let dir: string
let clock: FakeClock
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'larder-history-'))
  clock = fakeClock()
})
afterEach(() => rm(dir, { recursive: true, force: true }))

function finished(n: number, more: Partial<RequestView> = {}): RequestView {
  return {
    id: `r-${String(n).padStart(20, '0')}` as RequestView['id'],
    url: `http://ana:secret@origin.test/file-${n}.msi?sig=hush`,
    kind: 'resource',
    priority: 'foreground',
    destination: null,
    askedBy: null,
    state: 'done',
    waitingFor: null,
    key: null,
    sha256: null,
    lengthBytes: 100,
    haveBytes: 100,
    arrivingBytes: 0,
    split: { originBytes: 100, peerBytes: 0, cacheBytes: 0 },
    rateBytesPerSecond: 0,
    role: 'none',
    master: null,
    masterName: null,
    stale: false,
    verifiedBy: 'origin',
    reasons: [],
    error: null,
    createdAt: clock.wallMs(),
    finishedAt: clock.wallMs(),
    firstByteMs: 1,
    elapsedMs: 1000,
    ...more
  }
}
const event = (seq: number): AgentEvent => ({ seq, at: clock.wallMs(), type: 'warning', text: `event ${seq}` })
const urls = (history: History) => history.others(new Set()).map(({ url }) => url)

describe('the history of an agent', () => {
  test('survives its end and keeps no secrets, and its files are for this user alone', async () => {
    const history = await History.open(dir, clock)
    history.noteRequest(finished(1))
    history.noteRequest(finished(2, { state: 'active', finishedAt: null }))
    history.noteEvent(event(1))
    await history.close()
    const again = await History.open(dir, clock)
    expect(urls(again)).toEqual(['http://origin.test/file-1.msi?…'])
    expect(again.formerEvents).toEqual([event(1)])
    const [file] = await readdir(dir)
    expect(await readFile(join(dir, file!), 'utf8')).not.toMatch(/secret|hush/)
    if (process.platform !== 'win32') expect((await stat(join(dir, file!))).mode & 0o777).toBe(0o600)
  })

  test('forgets what is cleared from the list, on the disk too, and keeps events and everything else', async () => {
    const history = await History.open(dir, clock)
    for (const n of [1, 2, 3]) history.noteRequest(finished(n))
    history.noteEvent(event(1))
    await history.forget(new Set([finished(1).id, finished(2).id, finished(4).id]))
    // Its last word comes after it was cleared.
    history.noteRequest(finished(4))
    history.noteRequest(finished(5))
    expect(urls(history).map((url) => /file-\d/.exec(url)?.[0])).toEqual(['file-3', 'file-5'])
    const onDisk = await readFile(join(dir, 'history.ndjson'), 'utf8')
    expect(onDisk).not.toMatch(/file-[12]/)
    expect(onDisk).toMatch(/file-3/)
    await history.close()
    const again = await History.open(dir, clock)
    expect(urls(again).map((url) => /file-\d/.exec(url)?.[0])).toEqual(['file-3', 'file-5'])
    expect(again.formerEvents).toEqual([event(1)])
    if (process.platform !== 'win32') expect((await stat(join(dir, 'history.ndjson'))).mode & 0o777).toBe(0o600)
  })

  test('reads what an agent wrote that did not note who asked', async () => {
    const { askedBy: _, ...former } = finished(1)
    await appendFile(join(dir, 'history.ndjson'), `${JSON.stringify({ request: former })}\n`)
    expect((await History.open(dir, clock)).others(new Set())[0]?.askedBy).toBeNull()
  })

  test('survives a kill but for its last half second, and lines that are cut off, damaged or of another version', async () => {
    const history = await History.open(dir, clock)
    history.noteRequest(finished(1))
    history.noteEvent(event(1))
    await clock.pass(500)
    await vi.waitFor(async () => expect((await stat(join(dir, 'history.ndjson'))).size).toBeGreaterThan(500))
    const file = join(dir, 'history.ndjson')
    await appendFile(file, '{"event":{"seq":1}}\nnonsense\n{"other":1}\n\u0000\u0000\n')
    await appendFile(file, `${JSON.stringify({ event: event(2) })}\n${JSON.stringify({ event: event(3) })}`)
    await truncate(file, (await stat(file)).size - 3)
    const again = await History.open(dir, clock)
    expect([again.others(new Set()).length, again.formerEvents.map(({ seq }) => seq)]).toEqual([1, [1, 2]])
  })

  test('stays small on the disk and in memory, and forgets after a day', async () => {
    const history = await History.open(dir, clock)
    const long = 'x'.repeat(8000)
    for (let n = 1; n <= 600; n++) {
      history.noteRequest(finished(n, { destination: `/${long}` }))
      if (n % 20 === 0) await clock.pass(500)
    }
    await history.close()
    for (const name of await readdir(dir)) expect((await stat(join(dir, name))).size).toBeLessThan(1.3 * 1024 ** 2)
    expect((await readdir(dir)).length).toBe(2)
    const again = await History.open(dir, clock)
    expect(urls(again).length).toBeGreaterThan(100)
    expect(urls(again).length).toBeLessThanOrEqual(MOST_REQUESTS)
    expect(urls(again).at(-1)).toContain('file-600')
    await clock.pass(REMEMBERED_MS + 1)
    expect(urls(again)).toEqual([])
  })
})

test('a download that the end of the agent broke off is not told as failed by the next one', async () => {
  const origin = await startOriginServer()
  const fleet = await startFleet(1)
  try {
    const [first] = fleet.agents
    const gone = await ask(first!.agent, { url: `${origin.url}/nowhere` })
    const url = origin.put('/b.bin', { generate: { bytes: 4_000_000, seed: 2 } })
    origin.rateBytesPerSecond = 1_000_000
    const brokenOff = ask(first!.agent, { url })
    await untilSnapshot(first!.agent, ({ requests }) => requests.some(({ haveBytes }) => haveBytes > 0))
    await first!.agent.stop()
    expect((await brokenOff).error?.code).toBe('SHUTTING_DOWN')
    const { agent } = await fleet.add({}, { dir: first!.dir, peers: 0 })
    expect(agent.requests()).toEqual([gone])
    const told = agent.events().filter((one) => one.url === url)
    expect(told.at(-1)).toMatchObject({ type: 'requestInterrupted' })
    expect(told.map(({ type }) => type)).not.toContain('requestFailed')
  } finally {
    await fleet.stop()
    await origin.close()
  }
})

test('an agent that was started again still says why, what was done, and what happened', async () => {
  const origin = await startOriginServer()
  const fleet = await startFleet(1)
  try {
    const [first] = fleet.agents
    const url = origin.put('/a.bin', { generate: { bytes: 1000, seed: 1 } })
    const done = await ask(first!.agent, { url })
    const lastSeq = first!.agent.events().at(-1)!.seq
    await first!.agent.stop()
    const { agent } = await fleet.add({}, { dir: first!.dir, peers: 0 })
    expect(agent.requests()).toEqual([done])
    expect(agent.requestView(done.id)).toEqual(done)
    expect(agent.snapshot().requests).toEqual([done])
    const { verdict, history } = explain('a.bin', agent.snapshot(), agent.events()).downloads[0]!
    expect(verdict).toContain('No other PC')
    expect(history.map(({ type }) => type)).toContain('requestDone')
    const after = agent.events().filter(({ seq }) => seq > lastSeq)
    expect(after.map(({ type }) => type)).toEqual(['agentStopping', 'agentStarted'])
    // A download of this run stands behind it, once.
    const second = await ask(agent, { url })
    expect(agent.requests().map(({ id }) => id)).toEqual([done.id, second.id])
    expect(await agent.clearEnded()).toBe(2)
    expect(agent.requests()).toEqual([])
    await agent.stop()
    const third = await fleet.add({}, { dir: first!.dir, peers: 0 })
    expect(third.agent.requests()).toEqual([])
    expect(third.agent.cache.detail(second.sha256!)).toBeDefined()
  } finally {
    await fleet.stop()
    await origin.close()
  }
})
