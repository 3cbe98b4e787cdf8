import { expect, test } from 'vitest'
import type { AgentEvent } from '../contract/events.ts'
import type { PeerId } from '../contract/ids.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { EventLog } from './event-log.ts'

const peer = (n: number) => n.toString(16).padStart(64, '0') as PeerId

function logged() {
  const clock = fakeClock()
  const told: AgentEvent[] = []
  return { clock, told, log: new EventLog(clock, (event) => void told.push(event)) }
}

test('one peer that comes and goes without end is told now and then, with how often', async () => {
  const { clock, told, log } = logged()
  for (let i = 0; i < 10_000; i++) {
    log.add('peerConnected', 'pc-9 is there', { peer: peer(9) })
    log.add('peerLost', 'pc-9 is gone', { peer: peer(9) })
  }
  expect(told.length).toBeLessThanOrEqual(12)
  expect(log.count('peerLost')).toBe(10_000)
  await clock.pass(60_000)
  log.add('peerLost', 'pc-9 is gone', { peer: peer(9) })
  expect(told.at(-1)!.text).toBe('pc-9 is gone (9994 more of these since the last)')
})

test('many peers that come and go push out neither what matters nor each other', () => {
  const { told, log } = logged()
  log.add('peerBanned', 'pc-1 served bad bytes', { peer: peer(1) })
  log.add('requestFailed', 'Failed http://e.test/')
  for (let i = 0; i < 20_000; i++) {
    log.add('peerConnected', `pc-${i} is there`, { peer: peer(i) })
    log.add('peerRefused', `pc-${i} is not a member`, { peerName: `10.0.${i >> 8}.${i & 255}` })
  }
  expect(told.length).toBeLessThan(500)
  expect(log.since(0).map(({ type }) => type)).toEqual(expect.arrayContaining(['peerBanned', 'requestFailed']))
})

test('what this PC does is kept to the last thousand or so, in order, and numbered without a gap', () => {
  const { log } = logged()
  for (let i = 0; i < 5000; i++) log.add('requestDone', `Finished ${i}`)
  const kept = log.since(0)
  expect(kept.length).toBeGreaterThanOrEqual(600)
  expect(kept.at(-1)).toMatchObject({ seq: 5000, text: 'Finished 4999' })
  expect(kept.map(({ seq }) => seq)).toEqual(kept.map((_, i) => kept[0]!.seq + i))
})
