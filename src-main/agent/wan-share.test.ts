import { expect, test } from 'vitest'
import type { PeerId } from '../contract/ids.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { WanShare } from './wan-share.ts'

const [a, b] = ['a'.repeat(64), 'b'.repeat(64)] as [PeerId, PeerId]

test('a PC keeps to the least that its hubs leave it, tells what it uses, and forgets a hub that is silent', async () => {
  const clock = fakeClock()
  let limit: number | null = null
  const said: [string, number][] = []
  const rates = { wanBytes: 0, limitWan: (to: number | null) => void (limit = to) }
  const share = new WanShare({
    clock,
    rates,
    send: (hub, message) => {
      if (message.t === 'hub.wan') said.push([hub[0]!, message.bytesPerSecond])
    }
  })
  share.heard(a, { bytesPerSecond: 1000 })
  share.heard(b, { bytesPerSecond: 400 })
  expect(limit).toBe(400)
  rates.wanBytes += 350
  await clock.pass(1000)
  expect(said.splice(0)).toEqual([
    ['a', 350],
    ['b', 350]
  ])
  share.heard(b, { bytesPerSecond: null })
  expect(limit).toBe(1000)
  await clock.pass(59_000)
  expect(limit).toBeNull()
  said.length = 0
  await clock.pass(10_000)
  expect(said).toEqual([])
})

test('hubs that share a store give one share each; each hears what is used, by way of the one that is connected', async () => {
  const clock = fakeClock()
  let limit: number | null = null
  const said: unknown[] = []
  const rates = { wanBytes: 0, limitWan: (to: number | null) => void (limit = to) }
  const share = new WanShare({ clock, rates, send: (hub, message) => void said.push([hub[0], message]) })
  share.heard(a, { bytesPerSecond: 900, by: a })
  share.heard(a, { bytesPerSecond: 500, by: b })
  expect(limit).toBe(500)
  rates.wanBytes += 100
  await clock.pass(1000)
  expect(said.splice(0)).toEqual([
    ['a', { t: 'hub.wan', bytesPerSecond: 100 }],
    ['a', { t: 'hub.wan', bytesPerSecond: 100, to: b }]
  ])
  share.heard(a, { bytesPerSecond: null, by: b })
  expect(limit).toBe(900)
  for (let n = 0; n < 1000; n++)
    share.heard(a, { bytesPerSecond: 1000, by: n.toString(16).padStart(64, 'c') as PeerId })
  await clock.pass(1000)
  expect(said.length).toBeLessThanOrEqual(64)
  share.stop()
})
