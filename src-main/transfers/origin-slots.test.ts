import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import type { Priority } from '../contract/request.ts'
import { SMALL_PER_SLOT } from '../pieces/plan.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { hasRoom, LENT_AFTER_MS, OriginSlots, type SlotSize, type SlotTicket } from './origin-slots.ts'

/** Slots, and who has got one, in order. */
function line(count: number) {
  const clock = fakeClock()
  const slots = new OriginSlots(count, clock)
  const granted: string[] = []
  const enter = (name: string, p: Priority, size?: SlotSize, host?: string) =>
    slots.enter(p, () => granted.push(name), { ...(size && { size }), ...(host && { host }) })
  return { clock, slots, granted, enter }
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

  it('are not all for one host, however many it is asked for; background leaves another one to its own host', () => {
    const { granted, enter } = line(6)
    for (let i = 0; i < 8; i++) enter(`slow ${i}`, 'background', 'large', 'slow.test')
    expect(granted).toEqual(['slow 0', 'slow 1', 'slow 2', 'slow 3'])
    enter('urgent', 'foreground', 'large', 'slow.test')
    enter('urgent too', 'foreground', 'large', 'slow.test')
    enter('other', 'foreground', 'large', 'good.test')
    expect(granted.slice(4)).toEqual(['urgent', 'other'])
  })

  it('that a host could have at once are told: fewer than there are, none while somebody waits', () => {
    const { slots, enter } = line(6)
    expect([slots.spareFor('a.test'), slots.spareFor('b.test')]).toEqual([5, 5])
    for (let i = 0; i < 4; i++) enter(`a${i}`, 'foreground', 'large', 'a.test')
    expect([slots.spareFor('a.test'), slots.spareFor('b.test')]).toEqual([1, 2])
    for (let i = 0; i < 2; i++) enter(`b${i}`, 'foreground', 'large', 'b.test')
    enter('waits', 'foreground', 'large', 'b.test')
    expect([slots.spareFor('a.test'), slots.spareFor('b.test')]).toEqual([0, 0])
  })

  it('of few are not counted by host: two are two', () => {
    const { granted, enter } = line(2)
    for (const name of ['a', 'b']) enter(name, 'foreground', 'large', 'only.test')
    expect(granted).toEqual(['a', 'b'])
  })

  it('are lent by downloads to which nothing comes: six servers that do not answer hold nobody up', async () => {
    const { clock, granted, enter } = line(6)
    const silent = Array.from({ length: 6 }, (_, i) => enter(`silent ${i}`, 'foreground', 'large', `silent-${i}.test`))
    enter('good', 'foreground', 'large', 'good.test')
    expect(granted).toHaveLength(6)
    await clock.pass(LENT_AFTER_MS)
    expect(granted.at(-1)).toBe('good')
    // At most as many are lent as there are.
    const more = Array.from({ length: 12 }, (_, i) => enter(`more ${i}`, 'foreground', 'large', `more-${i}.test`))
    await clock.pass(LENT_AFTER_MS * 5)
    expect(granted).toHaveLength(12)
    for (const ticket of [...silent, ...more]) ticket.leave()
  })

  it('are not lent while bytes come, and count again when they come again', async () => {
    const { clock, granted, enter } = line(1)
    const first = enter('first', 'foreground', 'large', 'a.test')
    enter('second', 'foreground', 'large', 'b.test')
    for (let ms = 0; ms < LENT_AFTER_MS * 3; ms += 1000) {
      first.received()
      await clock.pass(1000)
    }
    expect(granted).toEqual(['first'])
    await clock.pass(LENT_AFTER_MS)
    expect(granted).toEqual(['first', 'second'])
    first.received()
    const third = enter('third', 'foreground', 'large', 'c.test')
    first.leave()
    expect([granted.length, third.ahead]).toEqual([2, 0])
  })

  it('are watched no more once their downloads have left, whatever still comes to them', async () => {
    const { clock, enter } = line(1)
    const ticket = enter('lent', 'foreground')
    await clock.pass(LENT_AFTER_MS)
    const after = vi.spyOn(clock, 'after')
    ticket.leave()
    ticket.received()
    expect(after).not.toHaveBeenCalled()
  })

  it('one more begins only where all three rules have room', () => {
    const taken = fc.record({ all: fc.nat(40), background: fc.nat(40), host: fc.nat(40) })
    const place = fc.record({
      priority: fc.constantFrom<Priority>('foreground', 'background'),
      cost: fc.constantFrom(1, SMALL_PER_SLOT),
      host: fc.constantFrom('a.test', null)
    })
    fc.assert(
      fc.property(place, taken, fc.integer({ min: 1, max: 32 }), (p, t, slots) => {
        if (!hasRoom(p, t, slots)) return
        expect(t.all + p.cost).toBeLessThanOrEqual(slots * SMALL_PER_SLOT)
        if (slots >= 4 && p.host !== null) expect(t.host + p.cost).toBeLessThan(slots * SMALL_PER_SLOT)
        // Whoever has room has it still with less under way.
        expect(hasRoom(p, { all: 0, background: 0, host: 0 }, slots)).toBe(true)
      })
    )
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
        const slots = new OriginSlots(count, fakeClock())
        let live: { ticket: SlotTicket; granted: () => boolean; priority: Priority; cost: number }[] = []
        let mostAllowed = count * SMALL_PER_SLOT
        for (const a of acts) {
          const chosen = 'which' in a ? live[a.which % Math.max(1, live.length)] : undefined
          if (a.do === 'enter') {
            let has = false
            const ticket = slots.enter(a.priority, () => (has = true), { size: a.size })
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
