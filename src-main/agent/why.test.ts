import { describe, expect, test } from 'vitest'
import type { AgentEvent } from '../contract/events.ts'
import { reasonTexts, ReasonCode, type RequestView } from '../contract/request.ts'
import { reasonAdvice, WhyView } from '../contract/why.ts'
import { explain } from './why.ts'

const key = (n: number) => `version:${String(n).repeat(64)}` as RequestView['key']
function request(n: number, more: Partial<RequestView> = {}): RequestView {
  return {
    id: `r-0000000${n}` as RequestView['id'],
    url: `http://origin.test/file-${n}.msi`,
    kind: 'resource',
    priority: 'foreground',
    destination: null,
    askedBy: null,
    state: 'done',
    waitingFor: null,
    key: key(n),
    sha256: null,
    lengthBytes: 100,
    arrivingBytes: 0,
    haveBytes: 100,
    split: { originBytes: 100, peerBytes: 0, cacheBytes: 0 },
    rateBytesPerSecond: 0,
    role: 'none',
    master: null,
    masterName: null,
    stale: false,
    verifiedBy: 'origin',
    reasons: [],
    error: null,
    createdAt: 100_000 * n,
    finishedAt: 100_000 * n + 1000,
    firstByteMs: 1,
    elapsedMs: 1000,
    ...more
  }
}
const because = (code: ReasonCode) => ({ code, text: reasonTexts[code], at: 1 })
const event = (seq: number, at: number, type: AgentEvent['type'], more: Partial<AgentEvent> = {}): AgentEvent => ({
  seq,
  at,
  type,
  text: `${type} ${seq}`,
  ...more
})
const snapshot = (...requests: RequestView[]) => ({
  requests,
  transfers: [],
  integration: { enabled: true, by: 'x', since: 0, reason: null, managedBy: null }
})

describe('why a download came from where it did', () => {
  test('can be asked by request, key, digest, URL and part of it; the newest comes first', () => {
    const sha256 = 'ab'.repeat(32) as RequestView['sha256']
    const all = snapshot(request(1), request(2, { sha256 }), request(3, { url: 'http://origin.test/file-1.msi' }))
    const ids = (about: string) => explain(about, all, []).downloads.map(({ requestId }) => requestId)
    expect(ids('r-00000001')).toEqual(['r-00000001'])
    expect(ids(key(2)!)).toEqual(['r-00000002'])
    expect(ids('222222')).toEqual(['r-00000002'])
    expect(ids('ABABAB')).toEqual(['r-00000002'])
    expect(ids('http://origin.test/file-1.msi')).toEqual(['r-00000003', 'r-00000001'])
    expect(ids('FILE')).toEqual(['r-00000003', 'r-00000002', 'r-00000001'])
    expect(() => explain('nothing', all, [])).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
    expect(() => explain(' a ', all, [])).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }))
  })

  test('tells what happened to it and to the peers meanwhile, and nothing else', () => {
    const one = request(1, { createdAt: 10_000, finishedAt: 20_000 })
    const events = [
      event(1, 5_000, 'peerLost'),
      event(2, 12_000, 'peerLost'),
      event(3, 13_000, 'fallback', { key: one.key! }),
      event(4, 13_000, 'fallback', { key: key(2)! }),
      event(5, 25_000, 'peerConnected'),
      event(6, 99_000, 'requestDone', { requestId: one.id }),
      event(7, 15_000, 'requestDone', { requestId: request(2).id }),
      event(8, 14_000, 'contentEvicted')
    ]
    const view = explain(one.id, snapshot(one), events)
    expect(view.downloads[0]!.history.map(({ seq }) => seq)).toEqual([2, 3, 6])
    expect(WhyView.parse(view)).toEqual(view)
  })

  test('says of a PC whose integration is off that it hears of no downloads', () => {
    const off = { ...snapshot(), integration: { ...snapshot().integration, enabled: false, by: 'ana' } }
    expect(() => explain('file-1', off, [])).toThrow('off (by ana): programs download by themselves')
  })

  test('has advice for every reason there is', () => {
    expect(Object.keys(reasonAdvice).sort()).toEqual([...ReasonCode.options].sort())
    const { causes } = explain('r-00000001', snapshot(request(1, { reasons: [because('no-peers')] })), []).downloads[0]!
    expect(causes[0]).toMatchObject({ code: 'no-peers', next: reasonAdvice['no-peers'] })
  })
})
