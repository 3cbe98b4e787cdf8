import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AgentEvent } from '../contract/events.ts'
import type { ContentKey, RequestId, Sha256Hex } from '../contract/ids.ts'
import type { RequestView } from '../contract/request.ts'
import type { AgentSnapshot, CacheEntryView } from '../contract/snapshot.ts'
import { entryFor, isTold, ownOf, snapshotFor } from './own-view.ts'

const secret = randomBytes(32)

/** Everything that could name a download of this user, recognisable in any text. */
const nameOf = (user: string, n: number) => ({
  id: `r-${user}${n}00000000` as RequestId,
  url: `https://${user}.test/${user}-${n}`,
  key: `version:${Buffer.from(`${user}${n}`).toString('hex').padEnd(64, '0')}` as ContentKey,
  sha256: Buffer.from(`sha ${user}${n}`).toString('hex').padEnd(64, '0') as Sha256Hex
})
type Named = ReturnType<typeof nameOf>

const requestOf = ({ id, url, key, sha256 }: Named) => ({ id, url, key, sha256, finishedAt: null }) as RequestView
const eventsOf = ({ id, url, key }: Named): AgentEvent[] => [
  { seq: 1, at: 0, type: 'requestAccepted', text: `Asked for ${url}`, requestId: id, url },
  { seq: 2, at: 0, type: 'masterElected', text: 'studio-2 is master', key },
  { seq: 3, at: 0, type: 'bypassed', text: 'passed on', url },
  { seq: 4, at: 0, type: 'warning', text: `something about ${url}` },
  { seq: 5, at: 0, type: 'settingsChanged', text: `precache.list is ${url} now` }
]
const worldOf = (all: readonly Named[], shared: readonly ContentKey[]) =>
  ({
    requests: all.map(requestOf),
    transfers: [
      ...all.map(({ key, url }) => ({ key, url, requests: 1 })),
      ...shared.map((key) => ({ key, url: 'https://anna.test/by-another-name', requests: 2 }))
    ],
    masters: all.map(({ key, url }) => ({ key, url })),
    uploads: all.map(({ key }) => ({ key, bytes: 5 })),
    events: all.flatMap(eventsOf)
  }) as unknown as AgentSnapshot

test('whatever two users ask for, in no place of what one sees is a name of what is the other’s', () => {
  const some = fc.uniqueArray(fc.nat(50), { maxLength: 8 })
  fc.assert(
    fc.property(some, some, (annas, bens) => {
      const anna = annas.map((n) => nameOf('anna', n))
      const ben = bens.map((n) => nameOf('ben', n))
      const world = worldOf([...anna, ...ben], [])
      const own = ownOf(world.requests, (id) => id.startsWith('r-ben'))
      const seen = snapshotFor(world, own, secret)
      const text = JSON.stringify(seen)
      expect(text).not.toContain('anna')
      for (const { key } of anna) expect(text).not.toContain(key)
      expect(seen.requests).toHaveLength(ben.length)
      expect(seen.masters).toHaveLength(ben.length)
      // What is served to peers is everybody's line, so its size stays.
      expect(seen.uploads.map(({ bytes }) => bytes)).toEqual([...anna, ...ben].map(() => 5))
      for (const event of world.events) expect(isTold(event, own)).toBe(seen.events.includes(event))
      expect(seen.events).toHaveLength(4 * ben.length)
    })
  )
})

test('who gets the same bytes by another URL sees their own URL at the transfer', () => {
  const ben = nameOf('ben', 1)
  const world = worldOf([ben], [ben.key])
  const own = ownOf(world.requests, () => true)
  expect(snapshotFor(world, own, secret).transfers.map(({ url }) => url)).toEqual([ben.url, ben.url])
})

test('a content of the cache is shown by the URLs its user has named, and by nobody’s provenance', () => {
  const own = ownOf([requestOf(nameOf('ben', 1))], () => true)
  const entry = { urls: ['https://anna.test/anna-1', 'https://ben.test/ben-1'], provenances: [{}] } as CacheEntryView
  expect(entryFor(entry, own)).toMatchObject({ urls: ['https://ben.test/ben-1'], provenances: [] })
})

test('a text that names another’s URL is not told, also where one’s own is the beginning of it', () => {
  const ben = nameOf('ben', 1)
  const own = ownOf([requestOf(ben)], () => true)
  const saying = (text: string): AgentEvent => ({ seq: 1, at: 0, type: 'settingsChanged', text })
  expect(isTold(saying(`${ben.url}0 was set`), own)).toBe(false)
  expect(isTold(saying(`It is ${ben.url}.`), own)).toBe(true)
})

test('everybody is told of hubs, as of peers', () => {
  for (const type of ['hubConnected', 'hubLost'] as const)
    expect(
      isTold(
        { seq: 1, at: 0, type, text: 'The hub is gone.' },
        ownOf([], () => true)
      )
    ).toBe(true)
})

test('the same content has the same stand-in through a run, and another one in the next', () => {
  const world = worldOf([nameOf('anna', 1)], [])
  const own = ownOf([], () => true)
  const key = (of: Buffer) => snapshotFor(world, own, of).uploads[0]?.key
  expect(key(secret)).toBe(key(secret))
  expect(key(secret)).not.toBe(key(randomBytes(32)))
})
