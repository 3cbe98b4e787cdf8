import { expect, test } from 'vitest'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { SwarmMessage } from '../contract/peer-messages.ts'
import type { PeerNetwork } from '../peers/network.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { LengthsAtPeers } from './lengths-at-peers.ts'

const id = (n: number) => n.toString(16).padStart(64, '0') as PeerId
const key = `sha256:${'a'.repeat(64)}` as ContentKey
const have = (lengthBytes: number, complete = true): SwarmMessage => ({
  t: 'swarm.have',
  key,
  lengthBytes,
  map: '',
  complete,
  signers: []
})

function start(members: number) {
  const clock = fakeClock()
  const asked: PeerId[] = []
  const network = {
    connected: () => Array.from({ length: members }, (_, n) => ({ id: id(n), far: n === 9 })),
    send: (to: PeerId) => asked.push(to) > 0
  } as unknown as PeerNetwork
  return { clock, asked, lengths: new LengthsAtPeers(network, clock) }
}
const signal = new AbortController().signal

test('takes what most say that have all of it, and one answer of each', async () => {
  const { lengths, asked } = start(10)
  const found = Promise.all([lengths.find(key, signal), lengths.find(key, signal)])
  expect(asked).toHaveLength(9)
  for (const [n, length] of [
    [0, 5],
    [0, 5],
    [0, 5],
    [1, 7],
    [2, 7]
  ] as const)
    lengths.handle(id(n), have(length))
  lengths.handle(id(3), have(9, false))
  for (let n = 4; n < 9; n++) lengths.handle(id(n), { t: 'swarm.leave', key })
  expect(await found).toEqual([7, 7])
})

test('waits a second for anyone who says nothing, and for nobody where there is nobody', async () => {
  const { lengths, clock } = start(2)
  const found = lengths.find(key, signal)
  lengths.handle(id(0), have(5))
  await clock.pass(1000)
  expect(await found).toBe(5)
  expect(await start(0).lengths.find(key, signal)).toBeNull()
})
