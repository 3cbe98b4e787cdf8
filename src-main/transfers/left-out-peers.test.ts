import { expect, test } from 'vitest'
import type { BootId, PeerId } from '../contract/ids.ts'
import type { ConnectedPeer } from '../peers/network.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { LeftOutPeers } from './left-out-peers.ts'
import { LARGE_ANSWER_BYTES } from './mute-peers.ts'

const pc7 = 'a'.repeat(64) as PeerId

function rig(answers: boolean) {
  const clock = fakeClock()
  const told: string[] = []
  const network = {
    address: '10.0.0.7',
    peer: () => ({ id: pc7, address: network.address, bootId: 'b' as BootId }) as ConnectedPeer,
    nameOf: () => 'pc-7',
    answersNow: async () => answers
  }
  const leftOut = new LeftOutPeers(network, clock, (type, text, facts) =>
    told.push(`${type} ${facts?.peer === pc7} ${facts?.reason} ${text}`)
  )
  return { leftOut, told, network, clock }
}

test('one that answers a ping and sends no pieces is left out and told, once for all lanes that notice', async () => {
  const { leftOut, told, network, clock } = rig(true)
  await Promise.all([leftOut.silent(pc7), leftOut.silent(pc7)])
  expect(told).toEqual([expect.stringMatching(/^peerLeftOut true mute-peer pc-7 answers small .* for 1 min/)])
  expect(leftOut.includes(pc7)).toBe(true)
  expect(leftOut.view(pc7)).toEqual({ since: clock.wallMs(), until: clock.wallMs() + 60_000 })
  network.address = '10.0.0.8'
  expect(leftOut.includes(pc7)).toBe(false)
  network.address = '10.0.0.7'
  leftOut.delivered(pc7, LARGE_ANSWER_BYTES)
  expect(leftOut.includes(pc7)).toBe(false)
})

test('one that answers nothing at all is not: its end shows by itself', async () => {
  const { leftOut, told } = rig(false)
  const judged = leftOut.silent(pc7)
  expect(leftOut.includes(pc7)).toBe(true)
  await judged
  expect(leftOut.includes(pc7)).toBe(false)
  expect(told).toEqual([])
})
