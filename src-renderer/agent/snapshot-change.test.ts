// @vitest-environment node
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { afterNews, applyChange, changeBetween } from '../../src-main/contract/snapshot-change.ts'
import { isChange, SnapshotChange, SnapshotMessage } from '../../src-main/contract/snapshot-message.ts'
import type { AgentSnapshot } from '../../src-main/contract/snapshot.ts'
import { busy, everyday, fixtureEvent, fixtureRequest, fixtureSnapshot } from '../testing/snapshots.ts'

const message = (n: number, snapshot: AgentSnapshot | null, over: Partial<SnapshotMessage> = {}): SnapshotMessage => ({
  run: 'a',
  n,
  status: { state: 'running' },
  snapshot,
  verifying: null,
  ...over
})
const cross = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T

const pool = everyday()
/** Some items of a list, in any order, with `n` in one of their fields. */
const some = <T extends object>(items: readonly T[], field: keyof T & string) =>
  fc
    .shuffledSubarray([...items])
    .chain((chosen) =>
      fc
        .array(fc.nat(2), { minLength: chosen.length, maxLength: chosen.length })
        .map((values) => chosen.map((item, i) => ({ ...item, [field]: values[i]! })))
    )
const twice = <T>(list: fc.Arbitrary<T[]>) =>
  fc
    .tuple(list, fc.integer({ min: 0, max: 9 }))
    .map(([items, roll]) => (roll === 0 ? items.concat(items.slice(0, 1)) : items))

const anySnapshot: fc.Arbitrary<AgentSnapshot> = fc
  .record({
    requests: twice(some(pool.requests, 'haveBytes')),
    transfers: some(pool.transfers, 'rateBytesPerSecond'),
    masters: some(pool.masters, 'members'),
    peers: some(
      [
        ...pool.peers,
        { ...pool.peers[0]!, id: null, address: '10.0.0.9:1' },
        { ...pool.peers[0]!, id: null, address: '10.0.0.8:1' }
      ],
      'receivedBytes'
    ),
    uploads: some(pool.uploads, 'bytes'),
    events: some(pool.events, 'bytes'),
    paused: fc.constantFrom<AgentSnapshot['paused'][]>(
      null,
      { until: null, by: ['person'] },
      { until: 5, by: ['battery'] }
    ),
    cacheNext: fc.constantFrom(null, '/a', '/b'),
    seq: fc.nat(),
    name: fc.string(),
    fleet: fc.constantFrom(pool.fleet, { ...pool.fleet, denied: 3 }),
    cache: fc
      .record({
        pinned: fc.nat(2),
        moving: fc.constantFrom(null, { from: '/old', done: 1, total: 2, bytes: 3, problem: null })
      })
      .map((over) => ({ ...pool.cache, ...over }))
  })
  .map(fixtureSnapshot)
const anyMessage = (n: number) =>
  fc
    .record({
      status: fc.constantFrom<SnapshotMessage['status']>({ state: 'running' }, { state: 'stopping' }),
      verifying: fc.constantFrom(null, { done: 1, total: 2 }),
      snapshot: anySnapshot
    })
    .map(({ snapshot, ...over }) => message(n, snapshot, over))

describe('a change', () => {
  test('makes the one message of the other, whatever was added, removed, moved or changed', () => {
    fc.assert(
      fc.property(anyMessage(4), anyMessage(7), (before, now) => {
        const change = SnapshotChange.parse(cross(changeBetween(before, now)))
        expect(applyChange(before, change)).toEqual(now)
      }),
      { numRuns: 300 }
    )
  })

  test('goes well with changes upon changes', () => {
    fc.assert(
      fc.property(fc.array(anySnapshot, { minLength: 2, maxLength: 6 }), (snapshots) => {
        const messages = snapshots.map((snapshot, i) => message(i + 1, snapshot))
        const known = messages
          .slice(1)
          .reduce<SnapshotMessage | null>(
            (state, now, i) => afterNews(state, cross(changeBetween(messages[i]!, now)!)),
            messages[0]!
          )
        expect(known).toEqual(messages.at(-1))
      }),
      { numRuns: 100 }
    )
  })

  test('keeps the identity of all that it leaves out, and so does a whole message', () => {
    fc.assert(
      fc.property(anyMessage(1), anyMessage(2), (before, now) => {
        for (const news of [cross(changeBetween(before, now)!), cross(now)]) {
          const after = afterNews(before, news)!
          expect(after).toEqual(now)
          for (const name of Object.keys(now.snapshot!) as (keyof AgentSnapshot)[]) {
            const [old, made] = [before.snapshot![name], after.snapshot![name]]
            if (JSON.stringify(old) === JSON.stringify(made)) expect(made).toBe(old)
          }
          const ids = new Set(before.snapshot!.requests.map(({ id }) => id))
          if (
            ids.size < before.snapshot!.requests.length ||
            new Set(now.snapshot!.requests.map(({ id }) => id)).size < now.snapshot!.requests.length
          )
            continue
          for (const request of after.snapshot!.requests) {
            const old = before.snapshot!.requests.find(
              ({ id, haveBytes }) => id === request.id && haveBytes === request.haveBytes
            )
            if (old) expect(request).toBe(old)
          }
        }
      }),
      { numRuns: 100 }
    )
  })

  test('of one request among 500 is small, and does not even look into those that stayed the same object', () => {
    const before = busy(500)
    const untouched = before.requests.map(
      (request) =>
        new Proxy(request, {
          get: (target, name) => (name === 'id' ? target.id : expect.fail('looked into')),
          ownKeys: () => expect.fail('looked into')
        })
    )
    const lastOne = { ...before.requests[499]!, haveBytes: 1 }
    const now = { ...before, seq: before.seq + 1, requests: [...untouched.slice(0, 499), lastOne] }
    const change = changeBetween(
      message(1, { ...before, requests: [...untouched.slice(0, 499), before.requests[499]!] }),
      message(2, now)
    )!
    expect(Object.keys(change.snapshot)).toEqual(['seq'])
    expect(change.lists).toEqual({ requests: { set: [lastOne], gone: [] } })
    expect(JSON.stringify(change).length).toBeLessThan(2000)
  })

  test('needs no order for what comes last or goes', () => {
    const [a, b, c] = [fixtureRequest(1), fixtureRequest(2), fixtureRequest(3)]
    const events = [1, 2, 3].map((seq) => ({ ...fixtureEvent('warning', 1, 'x'), seq }))
    const change = changeBetween(
      message(1, fixtureSnapshot({ requests: [a, b], events: events.slice(0, 2) })),
      message(2, fixtureSnapshot({ requests: [b, c], events: events.slice(1) }))
    )!
    expect(change.lists).toEqual({ requests: { set: [c], gone: [a.id] }, events: { set: [events[2]], gone: ['1'] } })
  })

  test('is none where there is no snapshot: that is told whole', () => {
    expect(changeBetween(message(1, null), message(2, pool))).toBeNull()
    expect(changeBetween(message(1, pool), message(2, null, { status: { state: 'stopping' } }))).toBeNull()
  })
})

describe('a change that does not fit', () => {
  const before = message(5, pool)
  const good = changeBetween(before, message(6, { ...pool, requests: pool.requests.toReversed() }))!
  const { requests } = good.lists

  test.each<[string, SnapshotChange]>([
    ['another base', { ...good, base: 4 }],
    ['another run', { ...good, run: 'b' }],
    ['an item gone that was not there', { ...good, lists: { requests: { ...requests!, gone: ['r-00000000'] } } }],
    [
      'an order of other items',
      { ...good, lists: { requests: { ...requests!, order: [...requests!.order!.slice(1), 'r-00000000'] } } }
    ],
    [
      'an order that leaves one out',
      { ...good, lists: { requests: { ...requests!, order: requests!.order!.slice(1) } } }
    ],
    [
      'an order that names one twice',
      { ...good, lists: { requests: { ...requests!, order: [requests!.order![1]!, ...requests!.order!.slice(1)] } } }
    ]
  ])('is not taken: %s', (_, change) => {
    expect(isChange(change)).toBe(true)
    expect(afterNews(before, good)).not.toBeNull()
    expect(afterNews(before, change)).toBeNull()
    expect(afterNews(null, change)).toBeNull()
  })

  test('is refused by its schema when it is beyond bounds', () => {
    expect(SnapshotChange.safeParse(cross(good)).success).toBe(true)
    expect(SnapshotChange.safeParse({ ...cross(good), base: 0 }).success).toBe(false)
    expect(
      SnapshotChange.safeParse({
        ...cross(good),
        lists: { requests: { set: [], gone: Array.from({ length: 20_001 }, () => 'x') } }
      }).success
    ).toBe(false)
    expect(
      SnapshotChange.safeParse({ ...cross(good), lists: { requests: { set: [{ id: 'x' }], gone: [] } } }).success
    ).toBe(false)
  })
})
