import { expect, test } from 'vitest'
import type { HubView } from '../../contract/hub-view.ts'
import { judgeHub } from './judge-hub.ts'

const fleet = { member: true, via: 'site-key', tag: null } as const
const link = (facts: Partial<HubView['hubs'][number]>): HubView['hubs'][number] => ({
  url: 'larder://hub',
  id: null,
  state: 'lost',
  reason: 'has no agent at this port',
  name: null,
  site: null,
  since: 0,
  ...facts
})
const judge = (...hubs: HubView['hubs']) => judgeHub({ hub: { hubs, serving: null }, fleet, peers: [] })

test('the doctor says nothing of hubs where none is set', () => expect(judge()).toEqual([]))

test.each([
  [link({ state: 'connected', reason: null, site: 'Bremen' }), 'ok', null],
  [link({ state: 'connected', reason: null }), 'warn', /hub\.sites/],
  [link({ state: 'refused', problem: 'refused', reason: 'has another site key' }), 'warn', /same site key/],
  [link({ problem: 'unreachable' }), 'warn', /TCP 4726/],
  [link({}), 'warn', /TCP 4726/],
  [link({ problem: 'certificate' }), 'warn', /origin\.extraCaFile/],
  [link({ problem: 'path' }), 'warn', /path in hub\.urls/],
  [link({ problem: 'kept-away' }), 'warn', /client certificate/],
  [link({ problem: 'proxy-alone' }), 'warn', /hub\.listen/],
  [link({ problem: 'websocket' }), 'warn', /Upgrade and Connection/]
] as const)('the doctor knows what to do about %j', (hub, verdict, next) => {
  const [check] = judge(hub)
  expect(check).toMatchObject({ id: 'hub.reachable', verdict })
  if (next === null) expect(check!.next).toBeNull()
  else expect(check!.next).toMatch(next)
})

test('one hub of several is enough', () => {
  expect(judge(link({}), link({ state: 'connected', site: 'Bremen' }))[0]!.verdict).toBe('ok')
})

test.each(['certificate', 'path', 'kept-away', 'proxy-alone', 'websocket', 'refused'] as const)(
  'a problem with one hub (%s) has a check of its own, also while another one is connected',
  (problem) => {
    const checks = judge(link({ problem }), link({ state: 'connected', site: 'Bremen' }))
    expect(checks.map(({ id, verdict }) => [id, verdict])).toEqual([
      ['hub.reachable', 'ok'],
      [`hub.${problem}`, 'warn']
    ])
    expect(checks[1]!.next).toBeTruthy()
  }
)

test('a proxy that cuts connections is named although the hub is connected just now', () => {
  const [, check] = judge(link({ state: 'connected', site: 'Bremen', problem: 'cut' }))
  expect(check).toMatchObject({ id: 'hub.websocket', verdict: 'warn' })
  expect(check!.next).toMatch(/proxy_read_timeout/)
})

test.each([
  [-3_600_000, 'warn'],
  [61_000, 'warn'],
  [2000, 'ok']
] as const)('a hub whose clock is %i ms away: %s', (skewMs, verdict) => {
  const [, check] = judge(link({ state: 'connected', site: 'Bremen', skewMs }))
  expect(check).toMatchObject({ id: 'hub.clock', verdict })
})

test.each([
  [{}, 'ok', null],
  [{ displaced: 2 }, 'note', /depositMaxBytes/],
  [{ refused: 1 }, 'note', /depositMaxBytes/],
  [{ trouble: 'the disk is full' }, 'warn', /Make room/]
] as const)('a deposit with %j', (facts, verdict, next) => {
  const kept = { bytes: 1, maxBytes: 2, contents: 1, complete: 1, broughtBytes: 1, takenBytes: 0 }
  const deposit = { ...kept, displaced: 0, refused: 0, trouble: null, ...facts }
  const serving = { members: 2, sites: [], store: 'none' as const, deposit }
  const checks = judgeHub({ hub: { hubs: [], serving }, fleet, peers: [] })
  const check = checks.find(({ id }) => id === 'hub.deposit')!
  expect(check.verdict).toBe(verdict)
  if (next === null) expect(check.next).toBeNull()
  else expect(check.next).toMatch(next)
})

test('a subnet that reaches no other one is told what to open', () => {
  const checks = judge(link({ state: 'connected', site: 'Bremen', apart: true }))
  expect(checks.map(({ id, verdict }) => [id, verdict])).toEqual([
    ['hub.reachable', 'ok'],
    ['hub.apart', 'warn']
  ])
  expect(checks[1]!.next).toMatch(/TCP 4726/)
})
