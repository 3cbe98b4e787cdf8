import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Priority } from '../contract/request.ts'
import { SMALL_PER_SLOT } from '../pieces/plan.ts'
import { OriginSlots, type SlotSize, type SlotTicket } from './origin-slots.ts'

/** Slots, and who has got one, in order. */
function line(count: number) {
  const slots = new OriginSlots(count)
  const granted: string[] = []
  const enter = (name: string, p: Priority, size?: SlotSize) => slots.enter(p, () => granted.push(name), size)
  return { slots, granted, enter }
}

describe('slots for downloads from origins', () => {
  it('go to foreground first, then in order of arrival', () => {
    const { granted, enter } = line(1)
    const a = enter('a', 'background')
    enter('b', 'background')
    enter('c', 'foreground')
    const d = enter('d', 'foreground')
    expect([d.ahead, granted]).toEqual([1, ['a']])
    a.leave()
    expect(granted).toEqual(['a', 'c'])
  })

  it('leave one to foreground when background fills all others', () => {
    const { granted, enter } = line(3)
    const tickets = ['a', 'b', 'c'].map((name) => enter(name, 'background'))
    expect([granted, tickets[2]!.ahead]).toEqual([['a', 'b'], 0])
    enter('urgent', 'foreground')
    expect(granted).toEqual(['a', 'b', 'urgent'])
  })

  it('go to one that becomes urgent in the line, before those that came earlier', () => {
    const { granted, enter } = line(1)
    const first = enter('first', 'foreground')
    enter('second', 'background')
    const third = enter('third', 'background')
    third.prioritise('foreground')
    expect(third.ahead).toBe(0)
    first.leave()
    expect(granted).toEqual(['first', 'third'])
  })

  it('can become more and fewer while they are used', () => {
    const { slots, granted, enter } = line(1)
    const tickets = ['a', 'b', 'c'].map((name) => enter(name, 'foreground'))
    slots.count = 2
    expect(granted).toEqual(['a', 'b'])
    slots.count = 1
    tickets[0]!.leave()
    expect(granted).toEqual(['a', 'b'])
    tickets[1]!.leave()
    expect(granted).toEqual(['a', 'b', 'c'])
  })

  it('take several small contents each, and no large one beside them before all have left', () => {
    const { granted, enter } = line(1)
    const names = Array.from({ length: SMALL_PER_SLOT }, (_, i) => `small ${i}`)
    const tickets = names.map((name) => enter(name, 'foreground', 'small'))
    enter('large', 'foreground')
    enter('another small', 'foreground', 'small')
    expect(granted).toEqual(names)
    for (const ticket of tickets) ticket.leave()
    expect(granted).toEqual([...names, 'large'])
  })

  it('are never more than there are, never idle while somebody may use one, and all get theirs in the end', () => {
    const priority = fc.constantFrom<Priority>('foreground', 'background')
    const act = fc.oneof(
      fc.record({ do: fc.constant('enter' as const), priority, size: fc.constantFrom<SlotSize>('small', 'large') }),
      fc.record({ do: fc.constant('leave' as const), which: fc.nat() }),
      fc.record({ do: fc.constant('prioritise' as const), which: fc.nat(), priority }),
      fc.record({ do: fc.constant('count' as const), count: fc.integer({ min: 1, max: 4 }) })
    )
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(act, { maxLength: 40 }), (count, acts) => {
        const slots = new OriginSlots(count)
        let live: { ticket: SlotTicket; granted: () => boolean; priority: Priority; cost: number }[] = []
        let mostAllowed = count * SMALL_PER_SLOT
        for (const a of acts) {
          const chosen = 'which' in a ? live[a.which % Math.max(1, live.length)] : undefined
          if (a.do === 'enter') {
            let has = false
            const ticket = slots.enter(a.priority, () => (has = true), a.size)
            const cost = a.size === 'small' ? 1 : SMALL_PER_SLOT
            live.push({ ticket, granted: () => has, priority: a.priority, cost })
          } else if (a.do === 'count') {
            slots.count = a.count
          } else if (chosen && a.do === 'leave') {
            chosen.ticket.leave()
            live = live.filter((l) => l !== chosen)
          } else if (chosen && a.do === 'prioritise') {
            chosen.priority = a.priority
            chosen.ticket.prioritise(a.priority)
          }
          const running = live.filter((l) => l.granted()).reduce((sum, { cost }) => sum + cost, 0)
          const room = slots.count * SMALL_PER_SLOT
          mostAllowed = Math.max(room, Math.min(mostAllowed, running))
          expect(running).toBeLessThanOrEqual(mostAllowed)
          const waiting = live.filter((l) => !l.granted())
          for (const l of live) expect(l.ticket.ahead === null).toBe(l.granted())
          expect(waiting.map((l) => l.ticket.ahead!).sort((x, y) => x - y)).toEqual(waiting.map((_, i) => i))
          if (running + SMALL_PER_SLOT <= room) expect(waiting.some((l) => l.priority === 'foreground')).toBe(false)
        }
        for (let guard = 0; live.length > 0 && guard < 100; guard++) {
          const next = live.find((l) => l.granted())
          expect(next).toBeDefined()
          next!.ticket.leave()
          live = live.filter((l) => l !== next)
        }
        expect(live).toEqual([])
      })
    )
  })
})
