import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAgentRig, type AgentRig } from '../testing/agent-rig.ts'
import { Metrics } from './metrics.ts'

let rig: AgentRig
beforeAll(async () => void (rig = await startAgentRig()))
afterAll(() => rig.close())

test('figures are read with the token, in the format of Prometheus', async () => {
  const refused = await rig.call('GET', '/metrics', { headers: { authorization: null } })
  expect([refused.status, refused.json.code]).toEqual([401, 'TOKEN_INVALID'])
  const { status, headers, text } = await rig.call('GET', '/metrics')
  expect([status, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
  expect(text).toContain('# TYPE larder_received_bytes_total counter')
  for (const line of text.split('\n').filter(Boolean))
    expect(line).toMatch(/^(# (HELP|TYPE) larder_\w+ .+|larder_\w+(\{\w+="[^"]*"\})? -?[\d.e+]+)$/)
})

test('the setting lets every program on this PC read them, but no web page', async () => {
  const open = await startAgentRig({ settings: { metrics: { requireToken: false } } })
  expect((await open.call('GET', '/metrics', { headers: { authorization: null } })).status).toBe(200)
  expect(
    (await open.call('GET', '/metrics', { headers: { authorization: null, origin: 'https://evil.test' } })).status
  ).toBe(403)
  await open.close()
})

test('each answer shows the totals as they are then, and names nothing of what is downloaded', async () => {
  const base = rig.double.snapshot()
  let originBytes = 5
  const metrics = new Metrics(() => ({
    ...base,
    totals: { ...base.totals, originBytes, peerBytes: 7, discardedBytes: 3 },
    savings: {
      ...base.savings,
      days7: { originBytes: 1, peerBytes: 3, cacheBytes: 0, servedBytes: 0, savedShare: 0.75 }
    },
    requests: [
      {
        ...rig.double.request({
          url: 'http://secret.test/x',
          kind: 'resource',
          priority: 'foreground',
          overwrite: true,
          allowStale: false
        })
      }
    ]
  }))
  const first = await metrics.text()
  expect(first).toContain('larder_received_bytes_total{source="origin"} 5')
  expect(first).toContain('larder_received_bytes_total{source="peers"} 7')
  expect(first).toContain('larder_origin_discarded_bytes_total 3')
  expect(first).toContain('larder_saved_ratio{window="days7"} 0.75')
  expect(first).not.toContain('window="today"')
  expect(first).not.toContain('secret.test')
  originBytes = 9
  expect(await metrics.text()).toContain('larder_received_bytes_total{source="origin"} 9')
})

test('the dashboard for Grafana asks for nothing but what is told', async () => {
  const file = new URL('../../docs/grafana/larder-hub.json', import.meta.url)
  const asked = new Set(readFileSync(file, 'utf8').match(/larder_[a-z0-9_]+/g))
  const told = new Set(readFileSync(new URL('metrics.ts', import.meta.url), 'utf8').match(/larder_[a-z0-9_]+/g))
  expect([...asked].filter((name) => !told.has(name))).toEqual([])
})
