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
  share.heard(a, 1000)
  share.heard(b, 400)
  expect(limit).toBe(400)
  rates.wanBytes += 350
  await clock.pass(1000)
  expect(said.splice(0)).toEqual([
    ['a', 350],
    ['b', 350]
  ])
  share.heard(b, null)
  expect(limit).toBe(1000)
  await clock.pass(59_000)
  expect(limit).toBeNull()
  said.length = 0
  await clock.pass(10_000)
  expect(said).toEqual([])
})
