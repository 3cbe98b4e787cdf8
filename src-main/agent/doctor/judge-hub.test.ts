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
  [link({ state: 'refused', reason: 'has another site key' }), 'warn', /same site key/],
  [link({}), 'warn', /TCP 4726/]
] as const)('the doctor knows what to do about %j', (hub, verdict, next) => {
  const [check] = judge(hub)
  expect(check).toMatchObject({ id: 'hub.reachable', verdict })
  if (next === null) expect(check!.next).toBeNull()
  else expect(check!.next).toMatch(next)
})

test('one hub of several is enough', () => {
  expect(judge(link({}), link({ state: 'connected', site: 'Bremen' }))[0]!.verdict).toBe('ok')
})
