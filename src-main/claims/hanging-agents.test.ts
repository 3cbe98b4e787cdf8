import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ContentKey } from '../contract/ids.ts'
import { ClaimLan, contentRanked, type LanAgent } from '../testing/claim-lan.ts'

const namesOfMasters = (lan: ClaimLan, key: ContentKey): string[] => lan.masters(key).map(({ name }) => name)

/** A running download among agents; the first is the coordinator, the second its master. */
function running(size: number, settings = {}) {
  const lan = new ClaimLan({ settings })
  const [coordinator, ...others] = lan.settled(...'abcdefgh'.slice(0, size).split(''))
  const key = contentRanked([coordinator!], lan.agents)
  coordinator!.open(key, { weight: 40 })
  for (const [i, agent] of others.entries()) agent.open(key, { weight: i === 0 ? 61 : 50 })
  lan.pass(1000)
  expect(namesOfMasters(lan, key)).toEqual([others[0]!.name])
  return { lan, key, coordinator: coordinator!, master: others[0]!, followers: others.slice(1) }
}

const epochOf = (agent: LanAgent, key: ContentKey): number => {
  const { decision } = agent.opened.get(key)!
  return decision.role === 'undecided' ? 0 : decision.epoch
}

describe('an agent that stood still', () => {
  test('as coordinator hears what its master said meanwhile before it judges it', () => {
    const { lan, key, coordinator, master } = running(4)
    coordinator.hang()
    lan.pass(9000)
    coordinator.goOn()
    lan.pass(200)
    expect(namesOfMasters(lan, key)).toEqual([master.name])
    expect(coordinator.losses).toEqual([])
  })

  test('unseats nobody, however long it stood still and whatever it was', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 6 }),
        fc.nat(5),
        fc.nat(5000),
        fc.integer({ min: 1, max: 11_900 }),
        fc.constantFrom(1000, 2000, 5000),
        (size, who, afterMs, forMs, leaseMs) => {
          const { lan, key, master } = running(size, { leaseMs })
          const others = lan.agents.filter((agent) => agent !== master)
          const victim = others[who % others.length]!
          lan.pass(afterMs)
          victim.hang()
          lan.pass(forMs)
          victim.goOn()
          lan.pass(2 * leaseMs)
          expect(namesOfMasters(lan, key)).toEqual([master.name])
          expect(epochOf(master, key)).toBe(1)
          expect(lan.agents.flatMap(({ losses }) => losses)).toEqual([])
        }
      ),
      { numRuns: 200 }
    )
  })

  test('together with its master, as on a machine that was suspended, goes on with it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 60_000 }), fc.nat(20), (forMs, wakesLaterMs) => {
        const { lan, key, master } = running(3)
        for (const agent of lan.agents) agent.hang()
        lan.pass(forMs)
        for (const agent of lan.agents) if (agent !== master) agent.goOn()
        lan.pass(Math.min(wakesLaterMs, forMs))
        master.goOn()
        lan.pass(6000)
        expect(namesOfMasters(lan, key)).toEqual([master.name])
        expect(epochOf(master, key)).toBe(1)
      })
    )
  })

  test('finds a successor for a master that died meanwhile', () => {
    const { lan, key, coordinator, master, followers } = running(4)
    coordinator.hang()
    master.kill()
    lan.pass(8000)
    coordinator.goOn()
    expect(lan.until(() => lan.masters(key).length === 1)).toBeLessThan(100)
    expect([coordinator, ...followers]).toContain(lan.masters(key)[0])
  })

  test('as master for longer than its lease gives way to its successor as soon as it wakes', () => {
    const { lan, key, master } = running(4)
    master.hang()
    lan.pass(6000)
    const successor = lan.masters(key).find((agent) => agent !== master)!
    expect(successor).toBeDefined()
    master.goOn()
    lan.pass(20)
    expect(namesOfMasters(lan, key)).toEqual([successor.name])
  })

  test('as master for less than its lease asks whether it still is, and loses no time', () => {
    const { lan, key, master } = running(4)
    const roles: string[] = []
    master.opened.get(key)!.on('decision', ({ role }) => void roles.push(role))
    master.hang()
    lan.pass(3900)
    master.goOn()
    lan.pass(20)
    expect(roles).toEqual(['undecided', 'master'])
    lan.pass(3000)
    expect(namesOfMasters(lan, key)).toEqual([master.name])
    expect(epochOf(master, key)).toBe(1)
  })

  describe('for so long that all its connections are gone', () => {
    /** The master sleeps for half a minute; the others notice it and go on. */
    function asleep(size: number) {
      const site = running(size)
      const { lan, key, master, coordinator, followers } = site
      master.hang()
      lan.pass(12_000)
      for (const other of [coordinator, ...followers]) lan.cut(other, master)
      lan.pass(18_000)
      const masters: string[] = []
      master.opened.get(key)!.on('decision', ({ role }) => void (role === 'master' && masters.push(master.name)))
      return { ...site, masters, wake: (first?: 'timers' | 'arrivals') => master.goOn(first) }
    }

    test.each(['timers', 'arrivals'] as const)(
      'as master hears those who come back before it goes on, late as they may be (%s first)',
      (first) => {
        const { lan, key, master, coordinator, followers, masters, wake } = asleep(4)
        wake(first)
        expect(namesOfMasters(lan, key)).not.toContain(master.name)
        // A dead connection is noticed 2 s after waking, a new one takes a second or two.
        lan.pass(3500)
        for (const other of [coordinator, ...followers]) lan.connect(other, master)
        lan.pass(6000)
        expect(masters).toEqual([])
        expect(namesOfMasters(lan, key)).toHaveLength(1)
        expect(namesOfMasters(lan, key)).not.toContain(master.name)
      }
    )

    test('as master notices only later that they are gone, and does so as well', () => {
      const { lan, key, coordinator, master, followers } = running(4)
      master.hang()
      lan.pass(30_000)
      expect(namesOfMasters(lan, key)).toHaveLength(2)
      for (const other of [coordinator, ...followers]) lan.cut(other, master, { unnoticedBy: master })
      master.goOn()
      lan.pass(1)
      expect(namesOfMasters(lan, key)).not.toContain(master.name)
      lan.pass(2000)
      for (const other of [coordinator, ...followers]) lan.notice(master, other)
      lan.pass(1500)
      expect(namesOfMasters(lan, key)).not.toContain(master.name)
      for (const other of [coordinator, ...followers]) lan.connect(other, master)
      lan.pass(6000)
      expect(namesOfMasters(lan, key)).toHaveLength(1)
      expect(namesOfMasters(lan, key)).not.toContain(master.name)
    })

    test.each(['timers', 'arrivals'] as const)(
      'as coordinator elects nobody of those it remembers (%s first)',
      (first) => {
        const lan = new ClaimLan()
        const [coordinator, ...others] = lan.settled('a', 'b', 'c')
        const key = contentRanked([coordinator!], lan.agents)
        for (const agent of lan.agents) agent.open(key)
        lan.pass(100)
        coordinator!.hang()
        lan.pass(12_000)
        for (const other of others) lan.cut(other, coordinator!)
        lan.pass(18_000)
        const [successor] = lan.masters(key)
        expect(others).toContain(successor)
        coordinator!.goOn(first)
        lan.pass(3500)
        expect(coordinator!.elections).toEqual([])
        for (const other of others) lan.connect(other, coordinator!)
        lan.pass(6000)
        expect(namesOfMasters(lan, key)).toEqual([successor!.name])
      }
    )

    test('as master and coordinator does so as well', () => {
      const { lan, key, coordinator, master, followers } = running(4)
      master.kill()
      lan.pass(500)
      for (const { opened } of followers) {
        opened.get(key)!.close()
        opened.delete(key)
      }
      lan.pass(100)
      expect(namesOfMasters(lan, key)).toEqual([coordinator.name])
      coordinator.hang()
      lan.pass(12_000)
      for (const other of followers) lan.cut(other, coordinator)
      lan.pass(18_000)
      followers[0]!.open(key)
      lan.pass(500)
      coordinator.goOn()
      expect(namesOfMasters(lan, key)).toEqual([followers[0]!.name])
      lan.pass(1000)
      for (const other of followers) lan.connect(other, coordinator)
      lan.pass(6000)
      expect(namesOfMasters(lan, key)).toHaveLength(1)
    })

    test('goes on by itself when nobody comes back', () => {
      const { lan, key, master, masters, wake } = asleep(3)
      wake()
      lan.pass(lan.settings.leaseMs + 100)
      expect(namesOfMasters(lan, key)).toContain(master.name)
      expect(masters).toEqual([master.name])
    })
  })

  test('through the election window hears all claims before it elects', () => {
    const lan = new ClaimLan()
    const [coordinator, weak, strong] = lan.settled('coordinator', 'weak', 'strong')
    const key = contentRanked([coordinator!], lan.agents)
    weak!.open(key, { weight: 40 })
    lan.pass(20)
    coordinator!.hang()
    strong!.open(key, { weight: 61 })
    lan.pass(1000)
    coordinator!.goOn()
    lan.pass(500)
    expect(namesOfMasters(lan, key)).toEqual(['strong'])
  })
})
