// @vitest-environment node
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AgentEvent } from '../../../src-main/contract/events.ts'
import { downloadGroups, groupOf } from '../../../src-main/contract/progress.ts'
import {
  fixtureEvents,
  fixturePeers,
  fixtureRequest,
  fixtureSnapshot,
  everyday,
  busy,
  queue,
  fixtureMaster,
  MIB
} from '../../testing/snapshots.ts'
import { eventsAsCsv, eventsAsJson, eventAsText } from '../event-export.ts'
import { actionsOf, downloadsIn, groupCounts, newestFirst, nextSort } from './downloads.ts'
import { eventsMatching, fileOf, joinEvents, sentenceOf } from './events.ts'
import { rowReason, whyNotFromPeers } from './explain.ts'
import { fleetState, nowSentence } from './overview.ts'
import { savingsByPeriod, savingsOf } from './savings.ts'
import { electionsOf, masterSentence, peersInOrder, servingNow } from './site.ts'

describe('downloads', () => {
  test('every download is in exactly one group, and counted there', () => {
    const { requests } = busy(200)
    const counts = groupCounts(requests)
    for (const group of downloadGroups) expect(downloadsIn(requests, group)).toHaveLength(counts[group])
    expect(Object.values(counts).reduce((a, b) => a + b)).toBe(200)
  })

  test('are found by what their URL reads like', () => {
    expect(downloadsIn(everyday().requests, 'waiting', 'cad viewer 2027')).toHaveLength(1)
    expect(downloadsIn(everyday().requests, 'waiting', 'no such thing')).toEqual([])
  })

  test('a column orders the way people look for it first: names from A, progress from the most', () => {
    expect(nextSort(newestFirst, 'name')).toEqual({ by: 'name', ascending: true })
    expect(nextSort({ by: 'name', ascending: true }, 'name')).toEqual({ by: 'name', ascending: false })
    expect(nextSort({ by: 'name', ascending: false }, 'name')).toEqual(newestFirst)
    expect(nextSort({ by: 'name', ascending: false }, 'progress')).toEqual({ by: 'progress', ascending: false })
    const [first, ...rest] = downloadsIn(busy(200).requests, 'active', '', { by: 'progress', ascending: false }).map(
      (r) => r.haveBytes / r.lengthBytes!
    )
    expect(rest.every((share, i) => share <= [first!, ...rest][i]!)).toBe(true)
  })

  test('a row gives the error, or the reason where its role does not say it already', () => {
    const elected = fixtureRequest(1, { role: 'master', reasons: ['elected'] })
    expect(rowReason(elected)).toBeNull()
    expect(rowReason({ ...elected, role: 'direct' })).toMatch(/elected master/)
    expect(rowReason(fixtureRequest(1, { role: 'direct', reasons: ['busy'] }))).toMatch(/busy/)
  })

  test('that wait are told apart from those that run, say for what, and stand in the order of their turn', () => {
    const { requests } = queue(30, 6)
    expect(groupCounts(requests)).toEqual({ active: 6, waiting: 24, done: 0, failed: 0, cancelled: 0 })
    const waiting = downloadsIn(requests, 'waiting')
    expect(waiting.map((r) => r.waitingFor!.ahead)).toEqual(Array.from({ length: 24 }, (_, i) => i))
    expect(rowReason(waiting[4]!)).toBe('Waiting: 4 downloads are ahead of it')
    expect(nowSentence({ requests, uploads: [], paused: null })).toBe('Downloading 6 files at 150 KiB/s, 24 waiting')
  })

  test('that somebody cancelled are no failures', () => {
    const cancelled = fixtureRequest(1, {
      state: 'cancelled',
      error: { code: 'CANCELLED', message: 'Cancelled', next: '' }
    })
    expect(groupOf(cancelled)).toBe('cancelled')
    expect(rowReason(cancelled)).toBeNull()
  })

  test('can be retried only when they failed, opened only when a file was written', () => {
    expect(actionsOf({ state: 'failed', destination: null })).toEqual(['retry'])
    expect(actionsOf({ state: 'done', destination: null })).toEqual([])
    expect(actionsOf({ state: 'done', destination: '/x' })).toContain('open')
    expect(groupOf({ state: 'paused', waitingFor: { what: 'resume', ahead: null } })).toBe('waiting')
  })

  test('say why they did not come from peers', () => {
    expect(whyNotFromPeers(fixtureRequest(0, { percent: 50, mix: [1, 0, 0], reasons: ['busy', 'no-peers'] }))).toEqual({
      sentence: 'No other PC of the site was found or reachable.',
      fromPeers: false
    })
    expect(whyNotFromPeers(fixtureRequest(0, { percent: 50, mix: [0, 1, 0] }))?.fromPeers).toBe(true)
    expect(whyNotFromPeers(fixtureRequest(0))).toBeNull()
  })
})

describe('elections', () => {
  test('of contents that are all here are finished, and none of those that still run', () => {
    const over = fixtureMaster(fixtureRequest(1), { finished: true, master: null, masterName: null })
    const open = fixtureMaster(fixtureRequest(2), { master: null, masterName: null })
    const led = fixtureMaster(fixtureRequest(3), { self: true })
    const { running, finished } = electionsOf([over, open, led])
    expect(running).toEqual([led, open])
    expect(finished).toEqual([over])
    expect([over, open, led].map(masterSentence)).toEqual(['Finished', 'No master yet', 'This PC is the master'])
  })
})

describe('the overview', () => {
  test('says in one sentence what happens', () => {
    const s = everyday()
    expect(nowSentence(s)).toBe('Downloading 3 files at 61 MiB/s, 2 waiting, serving 3 PCs')
    expect(nowSentence({ ...s, uploads: [] })).toBe('Downloading 3 files at 61 MiB/s, 2 waiting')
    const queued = s.requests.filter((r) => r.waitingFor !== null)
    expect(nowSentence({ ...s, uploads: [], requests: queued })).toBe('2 downloads waiting')
    expect(nowSentence({ ...s, requests: [] })).toBe('Serving 3 PCs')
    expect(nowSentence({ ...s, requests: [], uploads: [] })).toBe('Nothing to do right now')
    expect(nowSentence({ ...s, paused: { until: null, by: ['person'] }, uploads: [] })).toBe('Transfers are paused')
  })

  test('tells a PC alone in its fleet from one without a fleet', () => {
    expect(fleetState(fixtureSnapshot({ peers: [] })).tone).toBe('alone')
    expect(fleetState(fixtureSnapshot({ fleet: { member: false, via: 'none', tag: null } })).tone).toBe('none')
    expect(fleetState(fixtureSnapshot())).toMatchObject({ tone: 'good', connected: 4, refused: 1 })
  })

  test('savings are never above the whole', () => {
    const bytes = fc.integer({ min: 0, max: 2 ** 50 })
    fc.assert(
      fc.property(bytes, bytes, bytes, (originBytes, peerBytes, cacheBytes) => {
        const { saved } = savingsOf({ originBytes, peerBytes, cacheBytes })
        if (originBytes + peerBytes + cacheBytes === 0) expect(saved).toBeNull()
        else expect(saved).toSatisfy((s: number) => s >= 0 && s <= 1)
      })
    )
  })

  test('savings are told for the spans the agent keeps, the shortest first', () => {
    const split = { originBytes: 1, peerBytes: 1, cacheBytes: 2, servedBytes: 0, savedShare: 0.75 }
    const none = { originBytes: 0, peerBytes: 0, cacheBytes: 0, servedBytes: 0, savedShare: null }
    expect(
      savingsByPeriod({ savings: { today: none, days7: split, days28: split } }).map((p) => [p.period, p.savings.saved])
    ).toEqual([
      ['today', null],
      ['days7', 0.75],
      ['days28', 0.75]
    ])
  })
})

describe('the site', () => {
  test('shows connected peers first and those gone last', () => {
    expect(peersInOrder(fixturePeers()).map((p) => p.state)).toEqual([
      'connected',
      'connected',
      'connected',
      'connected',
      'connecting',
      'refused',
      'lost'
    ])
  })

  test('adds up what goes to one peer', () => {
    const s = everyday()
    const twice = servingNow({ ...s, uploads: [...s.uploads, { ...s.uploads[0]!, bytes: 100 * MIB }] })
    expect(twice).toHaveLength(3)
    expect(twice[0]).toMatchObject({ peerName: 'reception', bytes: 116 * MIB })
    expect(twice[0]!.contents).toHaveLength(1)
  })
})

describe('events', () => {
  test('are the newest first, and only those of the sort', () => {
    const problems = eventsMatching(fixtureEvents(), 'problems')
    expect(problems[0]?.type).toBe('fallback')
    expect(problems.every((e) => e.type !== 'requestDone')).toBe(true)
    expect(eventsMatching(fixtureEvents(), 'all', 'OKAFOR')).toHaveLength(1)
  })

  test('of every type are found under one of the sorts', () => {
    for (const type of AgentEvent.shape.type.options) {
      const event: AgentEvent = { seq: 1, at: 0, type, text: 'x' }
      expect(
        (['downloads', 'masters', 'peers', 'cache', 'agent'] as const).some(
          (filter) => eventsMatching([event], filter).length === 1
        ),
        type
      ).toBe(true)
    }
  })

  test('join without doubles and without gaps', () => {
    const all = fixtureEvents()
    fc.assert(
      fc.property(fc.nat(all.length), fc.nat(all.length), (a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)]
        expect(joinEvents(all.slice(0, to), all.slice(from))).toEqual(all)
      })
    )
  })

  test('a CSV has one record per event and no formula in it', () => {
    const csv = eventsAsCsv([{ seq: 1, at: 0, type: 'warning', text: '=HYPERLINK("x"),\nnext' }])
    expect(csv).toBe(
      'seq,time,type,text,reason,code,url,key,peerName,peer,requestId,epoch,bytes,ms\r\n1,1970-01-01T00:00:00.000Z,warning,"\'=HYPERLINK(""x""),\nnext",,,,,,,,,,\r\n'
    )
    expect(JSON.parse(eventsAsJson(fixtureEvents()))).toHaveLength(fixtureEvents().length)
    expect(eventAsText(fixtureEvents()[6]!)).toMatch(/fallback: .*\(reason busy, https:/)
  })
})

describe('the sentence of an event', () => {
  const url = 'https://dl.example/a/Setup%201.msi'
  test('has the name of the file in place of its address', () => {
    expect(sentenceOf({ text: `Finished ${url}`, url })).toBe('Finished Setup 1.msi')
    expect(fileOf({ text: `Finished ${url}`, url })).toBeNull()
  })
  test('has times as the clock of this PC shows them', () => {
    expect(sentenceOf({ text: 'All transfers are paused until 2026-11-23T15:27:00.000Z.' })).toMatch(
      /^All transfers are paused until 23 Nov 2026, \d\d:\d\d:00\.$/
    )
  })
  test('is followed by the file when it names none', () => {
    expect(fileOf({ text: 'Downloading directly from the origin.', url })).toBe('Setup 1.msi')
    expect(fileOf({ text: 'studio-2 is connected.' })).toBeNull()
  })
})
