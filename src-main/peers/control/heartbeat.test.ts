import { describe, expect, test } from 'vitest'
import { stepClock } from '../../testing/claim-lan-clock.ts'
import { Attention, Heartbeat } from './heartbeat.ts'

/** Two ends that answer each other's pings, and what each has sent. */
function pair(attentions: readonly [Attention, Attention], early: readonly [number, number] = [0.3, 0.9]) {
  const clock = stepClock()
  const pings = [0, 0]
  const lost: (readonly [number, number | null])[] = []
  let cut = false
  const ends: Heartbeat[] = attentions.map(
    (attention, i) =>
      new Heartbeat(clock, attention, early[i]!, {
        ping: () => {
          pings[i]!++
          if (cut) return
          clock.after(1, () => {
            ends[1 - i]!.heard()
            clock.after(1, () => ends[i]!.heard())
          })
        },
        lost: (ms) => {
          lost.push([i, ms])
          ends[i]!.end()
        }
      })
  )
  return { clock, pings, lost, ends, unplug: () => (cut = true) }
}

describe('signs of life', () => {
  test('cost two PCs without downloads one ping a minute, not one of each every five seconds', () => {
    const { clock, pings, lost } = pair([new Attention(false), new Attention(false)])
    clock.pass(3600_000)
    expect(pings[0]! + pings[1]!).toBeLessThanOrEqual(75)
    expect(lost).toEqual([])
  })

  test('are looked for every five seconds by the one that has downloads', () => {
    const { clock, pings, lost } = pair([new Attention(true), new Attention(false)])
    clock.pass(60_000)
    expect(pings[0]).toBeGreaterThanOrEqual(11)
    expect(pings[1]).toBe(0)
    expect(lost).toEqual([])
  })

  test('that stop are noticed after twelve seconds where something hangs on it, after two minutes elsewhere', () => {
    const { clock, lost, unplug } = pair([new Attention(true), new Attention(false)])
    clock.pass(20_000)
    unplug()
    clock.pass(12_000)
    expect(lost.map(([i]) => i)).toEqual([0])
    clock.pass(118_000)
    expect(lost.map(([i]) => i)).toEqual([0, 1])
  })

  test('of one that went while nobody looked are missed five seconds after somebody does', () => {
    const attention = new Attention(false)
    const { clock, lost, unplug } = pair([attention, new Attention(false)])
    clock.pass(30_000)
    unplug()
    clock.pass(20_000)
    attention.turn(true)
    clock.pass(4999)
    expect(lost).toEqual([])
    clock.pass(1)
    expect(lost.map(([i]) => i)).toEqual([0])
  })

  test('of one that is there are not missed when somebody begins to look, nor when it stops', () => {
    const attention = new Attention(false)
    const { clock, lost } = pair([attention, new Attention(false)])
    for (let i = 0; i < 40; i++) {
      clock.pass(7000 + i * 997)
      attention.turn(i % 2 === 0)
    }
    clock.pass(300_000)
    expect(lost).toEqual([])
  })

  test('are asked for again by a probe after one that was answered, and not while one is under way', () => {
    const { clock, pings, lost, ends, unplug } = pair([new Attention(false), new Attention(false)])
    ends[0]!.probe()
    clock.pass(100)
    ends[0]!.probe()
    expect(pings[0]).toBe(2)
    clock.pass(100)
    unplug()
    ends[0]!.probe()
    ends[0]!.probe()
    expect(pings[0]).toBe(3)
    clock.pass(2000)
    expect(lost).toEqual([[0, null]])
  })

  test.each(['ping', 'turn', 'probe'] as const)('leave no timer behind where the %s itself ends them', (how) => {
    const clock = stepClock()
    const attention = new Attention(false)
    const ends = [0, 1].map(
      () =>
        new Heartbeat(clock, attention, 0, {
          // A connection may turn out to be broken when something is sent; and with it another one.
          ping: () => ends.forEach((end) => end.end()),
          lost: () => {
            throw new Error('it had ended')
          }
        })
    )
    clock.pass(59_000)
    if (how === 'turn') attention.turn(true)
    if (how === 'probe') ends[0]!.probe()
    clock.pass(1000)
    expect(clock.pending).toBe(0)
    clock.pass(300_000)
  })

  test('leave no timer and no watcher behind', () => {
    const attention = new Attention()
    const { clock, ends } = pair([attention, attention])
    ends[0]!.probe()
    for (const end of ends) end.end()
    attention.turn(false)
    clock.pass(10)
    expect(clock.pending).toBe(0)
  })
})
