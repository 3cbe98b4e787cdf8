import { beforeEach, describe, expect, it } from 'vitest'
import type { ContentKey, PeerId } from '../../contract/ids.ts'
import type { PeerMessage } from '../../contract/peer-messages.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { AnnouncedChecks, WAIT_MS } from './announced-checks.ts'

const key = `version:${'a'.repeat(64)}` as ContentKey
const id = (n: number) => n.toString(16).padStart(64, '0') as PeerId
const [anna, bert, carl] = [1, 2, 3].map(id) as [PeerId, PeerId, PeerId]
/** An agent of a release that takes the message for an offence. */
const former = id(4)
const begun = { t: 'check', key, is: 'begun' } as const
const over = { t: 'check', key, is: 'over' } as const

let clock: ReturnType<typeof fakeClock>
let connected: PeerId[]
let sent: [PeerId, PeerMessage][]
let checks: AnnouncedChecks
let places: Map<PeerId, string>

beforeEach(() => {
  clock = fakeClock()
  connected = []
  sent = []
  places = new Map()
  checks = new AnnouncedChecks({
    clock,
    random: Math.random,
    network: {
      connected: () => connected.map((peer) => ({ id: peer, hearsChecks: peer !== former })) as never,
      placeOf: (peer) => places.get(peer) ?? peer,
      send: (to, message) => sent.push([to, message]) > 0
    }
  })
})

/** How long a content of which somebody says so is held up, ms; Infinity: for ever. */
async function heldUp(content = key): Promise<number> {
  let done = false
  const waiting = checks.over(content).then(() => (done = true))
  for (let ms = 0; ms <= 2 * WAIT_MS; ms += 50) {
    for (let i = 0; i < 5; i++) await Promise.resolve()
    if (done) return ms
    await clock.pass(50)
  }
  return done ? (await waiting, 2 * WAIT_MS) : Infinity
}

it('tells those that are connected when it begins, and them alone when it is over', () => {
  connected = [anna, former, bert]
  const end = checks.announce(key)
  connected = [bert, carl]
  end()
  expect(sent).toEqual([
    [anna, begun],
    [bert, begun],
    [anna, over],
    [bert, over]
  ])
})

it('tells 64 of many, not always the same', () => {
  connected = Array.from({ length: 200 }, (_, n) => id(n))
  checks.announce(key)
  const first = sent.map(([to]) => to)
  sent = []
  checks.announce(key)
  expect([first.length, new Set(first).size]).toEqual([64, 64])
  expect(sent.map(([to]) => to)).not.toEqual(first)
})

describe('a content', () => {
  it('of which nobody says anything waits for nobody', async () => {
    checks.heard(anna, begun)
    expect(await heldUp(`version:${'b'.repeat(64)}` as ContentKey)).toBe(0)
  })

  it('waits until all that compare it are through', async () => {
    checks.heard(anna, begun)
    checks.heard(bert, begun)
    clock.after(100, () => checks.heard(bert, over))
    clock.after(200, () => checks.heard(anna, over))
    expect(await heldUp()).toBe(200)
    expect(await heldUp()).toBe(0)
  })

  it('waits for nobody who has gone', async () => {
    checks.heard(anna, begun)
    clock.after(100, () => checks.lost(anna))
    expect(await heldUp()).toBe(100)
  })

  it('is not held up longer than the limit, and by that one not again', async () => {
    checks.heard(anna, begun)
    expect(await heldUp()).toBe(WAIT_MS)
    expect(await heldUp()).toBe(0)
  })

  it('waits for no comparison that should have ended long ago', async () => {
    checks.heard(anna, begun)
    await clock.pass(30_000)
    expect(await heldUp()).toBe(0)
  })
})

it('does not listen to a place that keeps others waiting in vain, with whatever names, until it has been quiet', async () => {
  const liars = Array.from({ length: 20 }, (_, n) => id(100 + n))
  for (const liar of liars) places.set(liar, '10.0.0.66')
  const waits: number[] = []
  for (const liar of liars) {
    checks.heard(liar, begun)
    waits.push(await heldUp())
  }
  expect(waits).toEqual([...Array<number>(16).fill(WAIT_MS), 0, 0, 0, 0])
  checks.heard(anna, begun)
  expect(await heldUp()).toBe(WAIT_MS)
  await clock.pass(3_600_000)
  checks.heard(liars[0]!, begun)
  expect(await heldUp()).toBe(WAIT_MS)
})

it('remembers a bounded number of contents, and ends the wait for one that it forgets', async () => {
  checks.heard(anna, begun)
  const waiting = checks.over(key)
  for (let n = 0; n < 256; n++)
    checks.heard(anna, { ...begun, key: `version:${n.toString(16).padStart(64, '0')}` as ContentKey })
  await waiting
})
