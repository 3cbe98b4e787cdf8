import { expect, test } from 'vitest'
import type { StoredVersion } from '../cache/cache.ts'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { KeptAsk, KeptHave } from '../contract/peer-messages.ts'
import { cachingRules } from '../origin/caching.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { kept, KeptAtPeers } from './kept-at-peers.ts'

const url = 'https://files.example/a'
const peers = ['a', 'b', 'c'].map((letter) => letter.repeat(64) as PeerId)
const key = `version:${'5a'.repeat(32)}` as ContentKey
const version = { etag: '"1"', lastModified: null, lengthBytes: 7 }

/** @param versions kept here, by URL, with the rules of their origin */
function someone(versions: Record<string, { rules?: string; key?: ContentKey; offered?: boolean }> = {}) {
  const clock = fakeClock()
  const sent: { to: PeerId; message: KeptAsk | KeptHave }[] = []
  const network = {
    connected: () => [
      ...peers.map((id) => ({ id, far: false, answersKept: true })),
      { id: 'd'.repeat(64) as PeerId, far: false },
      { id: 'e'.repeat(64) as PeerId, far: true, answersKept: true }
    ],
    send: (to: PeerId, message: KeptAsk | KeptHave) => sent.push({ to, message }) > 0
  }
  const stored = (at: string): StoredVersion | undefined => {
    const one = versions[at]
    if (!one) return undefined
    const headers = { 'cache-control': one.rules ?? 'max-age=0', date: new Date(clock.wallMs()).toUTCString() }
    const { policy } = cachingRules(clock).of(headers, false)
    return { ...version, url: at, key: one.key ?? key, policy, confirmedAt: 0 }
  }
  const cache = {
    urlsAfter: (after: string, most: number) =>
      Object.keys(versions)
        .filter((u) => u > after)
        .toSorted()
        .slice(0, most),
    version: stored
  }
  const offers = () => Object.values(versions).every(({ offered }) => offered !== false)
  const said = async () => {
    while (sent.length === 0) await new Promise((resolve) => setImmediate(resolve))
    return sent.splice(0).map(({ message }) => ('version' in message ? message.version : message.t))
  }
  return { clock, sent, said, one: new KeptAtPeers(network as never, clock, cache, offers) }
}
/** More than are gone through at once, all before the one that is asked for. */
const many = Object.fromEntries(Array.from({ length: 1500 }, (_, i) => [`https://files.example/${i}`, {}]))
const signal = new AbortController().signal

test('who does not say that it answers is not asked, nor who is of another subnet', () => {
  const { one, sent } = someone()
  void one.find(url, signal)
  expect(sent.map(({ to }) => to)).toEqual(peers)
})

test('what most members keep is taken; who keeps nothing, and who says something twice, changes nothing', async () => {
  const { one, sent } = someone()
  const found = one.find(url, signal)
  expect(sent.map(({ to }) => to)).toEqual(peers)
  const source = kept(url)
  const other = { ...version, etag: '"2"' }
  for (const [from, said] of [
    [0, other],
    [0, other],
    [1, version],
    [2, version]
  ] as const)
    one.handle(peers[from]!, { t: 'kept.have', source, version: said })
  expect(await found).toEqual(version)
  const none = one.find(url, signal)
  for (const from of peers) one.handle(from, { t: 'kept.have', source, version: null })
  expect(await none).toBeNull()
})

test('who does not answer is waited for a second and a half', async () => {
  const { one, clock } = someone()
  const found = one.find(url, signal)
  one.handle(peers[0]!, { t: 'kept.have', source: kept(url), version })
  await clock.pass(1499)
  let over = false
  void found.then(() => (over = true))
  await clock.pass(0)
  expect(over).toBe(false)
  await clock.pass(1)
  expect(await found).toEqual(version)
})

test('is answered with what lies here whole and may be used, among very many', async () => {
  const { one, said } = someone({ ...many, [url]: {} })
  one.handle(peers[0]!, { t: 'kept.ask', source: kept(url) })
  expect(await said()).toEqual([version])
  one.handle(peers[0]!, { t: 'kept.ask', source: kept(`${url}?other`) })
  expect(await said()).toEqual([null])
})

test.each<[string, Parameters<typeof someone>[0]]>([
  ['the origin wants to be asked', { [url]: { rules: 'no-cache' } }],
  ['others may not have it from here', { [url]: { offered: false } }],
  ['it is known by a digest alone', { [url]: { key: `sha256:${'ab'.repeat(32)}` as ContentKey } }]
])('is not answered with what may not be used: %s', async (_why, versions) => {
  const { one, said } = someone(versions)
  one.handle(peers[0]!, { t: 'kept.ask', source: kept(url) })
  expect(await said()).toEqual([null])
})

test('no more than four questions are looked into at the same time', async () => {
  const { one, sent } = someone({ ...many, [url]: {} })
  for (let i = 0; i < 6; i++) one.handle(peers[0]!, { t: 'kept.ask', source: kept(url) })
  while (sent.length < 6) await new Promise((resolve) => setImmediate(resolve))
  const answers = sent.map(({ message }) => 'version' in message && message.version !== null)
  expect(answers.filter(Boolean)).toHaveLength(4)
})
