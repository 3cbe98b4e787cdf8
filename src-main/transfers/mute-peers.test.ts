import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PeerId } from '../contract/ids.ts'
import { LARGE_ANSWER_BYTES, MutePeers } from './mute-peers.ts'

const id = (n: number) => n.toString(16).padStart(64, '0') as PeerId
const HERE = '10.0.0.7 boot-1'
const MINUTE = 60_000

/** Asked at this time, silent, and alive. */
function mute(peers: MutePeers, nowMs: number, at = HERE): boolean {
  peers.suspect(id(1), at, nowMs)
  return peers.confirm(id(1), at, nowMs)
}

describe('a peer whose large answers do not arrive', () => {
  it('is left out after the first time, told once, and asked again after a minute', () => {
    const peers = new MutePeers()
    expect(mute(peers, 1000)).toBe(true)
    expect(mute(peers, 1001)).toBe(false)
    expect(peers.leavesOut(id(1), HERE, 1000 + MINUTE - 1)).toBe(true)
    expect(peers.known(id(1), 2000)).toEqual({ sinceMs: 1000, untilMs: 1000 + MINUTE })
    expect(peers.leavesOut(id(1), HERE, 1000 + MINUTE)).toBe(false)
    expect(peers.known(id(1), 1000 + MINUTE)).toBeUndefined()
  })

  it('is left out twice as long each time, up to an hour', () => {
    const peers = new MutePeers()
    let nowMs = 0
    for (const minutes of [1, 2, 4, 8, 16, 32, 60, 60]) {
      expect(mute(peers, nowMs)).toBe(true)
      expect(peers.known(id(1), nowMs)!.untilMs - nowMs).toBe(minutes * MINUTE)
      expect(peers.known(id(1), nowMs)!.sinceMs).toBe(0)
      nowMs += minutes * MINUTE
    }
  })

  it('is forgiven by a large answer, and not by a small one', () => {
    const peers = new MutePeers()
    mute(peers, 0)
    peers.delivered(id(1), LARGE_ANSWER_BYTES - 1)
    expect(peers.leavesOut(id(1), HERE, 1)).toBe(true)
    peers.delivered(id(1), LARGE_ANSWER_BYTES)
    expect(peers.leavesOut(id(1), HERE, 1)).toBe(false)
    mute(peers, 10)
    expect(peers.known(id(1), 10)!.untilMs).toBe(10 + MINUTE)
  })

  it('is judged again at another address, or when it was started again', () => {
    const peers = new MutePeers()
    mute(peers, 0)
    expect(peers.leavesOut(id(1), '10.0.0.7 boot-2', 1)).toBe(false)
    expect(mute(peers, 1, '10.0.0.7 boot-2')).toBe(true)
    expect(peers.known(id(1), 1)!.untilMs).toBe(1 + MINUTE)
  })
})

it('who answers nothing at all is left out only until that is known', () => {
  const peers = new MutePeers()
  peers.suspect(id(1), HERE, 0)
  expect(peers.leavesOut(id(1), HERE, 1)).toBe(true)
  expect(peers.known(id(1), 1)).toBeUndefined()
  peers.acquit(id(1))
  expect(peers.leavesOut(id(1), HERE, 1)).toBe(false)
  expect(peers.confirm(id(1), HERE, 1)).toBe(false)
})

it('nobody is left out for longer than an hour, nobody who gave a large answer last, and nobody who was not asked in vain', () => {
  const event = fc.record({
    what: fc.constantFrom('suspect', 'confirm', 'acquit', 'delivered'),
    who: fc.integer({ min: 0, max: 3 }),
    passMs: fc.integer({ min: 0, max: 7200_000 })
  })
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const peers = new MutePeers()
      const suspected = new Map<PeerId, number>()
      let nowMs = 0
      for (const { what, who, passMs } of events) {
        nowMs += passMs
        if (what === 'suspect') {
          peers.suspect(id(who), HERE, nowMs)
          suspected.set(id(who), nowMs)
        } else if (what === 'confirm') peers.confirm(id(who), HERE, nowMs)
        else if (what === 'acquit') peers.acquit(id(who))
        else {
          peers.delivered(id(who), LARGE_ANSWER_BYTES)
          suspected.delete(id(who))
        }
        for (const n of [0, 1, 2, 3]) {
          if (!suspected.has(id(n))) expect(peers.leavesOut(id(n), HERE, nowMs)).toBe(false)
          expect(peers.leavesOut(id(n), HERE, nowMs + 3600_000)).toBe(false)
        }
      }
    })
  )
})

it('remembers a bounded number', () => {
  const peers = new MutePeers()
  for (let n = 0; n < 300; n++) {
    peers.suspect(id(n), HERE, 0)
    peers.confirm(id(n), HERE, 0)
  }
  expect([...Array(300).keys()].filter((n) => peers.leavesOut(id(n), HERE, 1))).toHaveLength(256)
})
