import { describe, expect, it } from 'vitest'
import { sleep } from '../../lib/clock.ts'
import { SimProcess } from './process.ts'
import { seededRandom, shuffle } from './seeded-random.ts'
import { Simulation } from './simulation.ts'

describe('simulated time', () => {
  it('passes from event to event, those of one moment in the order in which they were set', async () => {
    const sim = new Simulation('a')
    const seen: string[] = []
    const see = (what: string) => () => void seen.push(`${sim.nowMs} ${what}`)
    sim.after(5, see('second'))
    sim.after(5, see('third'))
    sim.after(1, see('first'))
    sim.after(3, see('cancelled')).cancel()
    sim.after(7, see('not yet'))
    await sim.run(6)
    expect(seen).toEqual(['1 first', '5 second', '5 third'])
    expect(sim.nowMs).toBe(6)
  })

  it('lets all promises that hang on an event come before the next event', async () => {
    const sim = new Simulation('a')
    const seen: string[] = []
    const chain = async (name: string) => {
      for (let i = 0; i < 20; i++) await Promise.resolve()
      seen.push(name)
    }
    sim.after(1, () => void chain('promises of the first'))
    sim.after(1, () => void seen.push('second'))
    void sleep(sim.clock, 2).then(() => chain('promises of a timer'))
    await sim.run(2)
    expect(seen).toEqual(['promises of the first', 'second', 'promises of a timer'])
  })

  it('ends with what an event throws', async () => {
    const sim = new Simulation('a')
    sim.after(1, () => {
      throw new RangeError('broken')
    })
    await expect(sim.run(2)).rejects.toThrow('broken')
  })

  it('gives the same trace for the same seed, and another for another', async () => {
    const trace = async (seed: string) => {
      const sim = new Simulation(seed)
      const random = sim.random('events')
      const again = (left: number) => {
        sim.note(`${left}`)
        if (left > 0) sim.after(random() * 100, () => again(left - 1))
      }
      again(50)
      await sim.run(10_000)
      return sim.trace.digest
    }
    const first = await trace('a')
    expect(await trace('a')).toBe(first)
    expect(await trace('b')).not.toBe(first)
  })
})

describe('seeded random numbers', () => {
  it('are spread evenly, and independent of those for other purposes', () => {
    const [a, b] = [seededRandom('s a'), seededRandom('s b')]
    const counts = Array.from({ length: 10 }, () => 0)
    let same = 0
    for (let i = 0; i < 10_000; i++) {
      const one = a()
      counts[Math.floor(one * 10)]!++
      if (one === b()) same++
    }
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(120)
    expect(same).toBe(0)
    const order = shuffle(
      Uint16Array.from({ length: 50 }, (_, i) => i),
      seededRandom('order')
    )
    expect([...order]).not.toEqual([...order].toSorted((x, y) => x - y))
    expect([...order].toSorted((x, y) => x - y)).toEqual(Array.from({ length: 50 }, (_, i) => i))
  })
})

describe('a simulated process', () => {
  it('does one thing after the other, each in its time, and sends when it has done with it', async () => {
    const sim = new Simulation('a')
    const process = new SimProcess(sim)
    const done: number[] = []
    sim.after(10, () => {
      for (let i = 0; i < 3; i++) process.arrive(5, () => void done.push(process.freeAtMs))
    })
    await sim.run(100)
    expect(done).toEqual([15, 20, 25])
    expect([process.spentMs, process.longestWaitMs]).toEqual([15, 10])
  })

  it('keeps what comes while it hangs, and runs its timers first when it goes on', async () => {
    const sim = new Simulation('a')
    const process = new SimProcess(sim)
    const seen: string[] = []
    process.clock.after(5, () => void seen.push(`timer ${sim.nowMs}`))
    process.clock.after(6, () => void seen.push('cancelled')).cancel()
    process.hang()
    sim.after(2, () => process.arrive(1, () => void seen.push(`message ${sim.nowMs}`)))
    sim.after(50, () => process.goOn())
    await sim.run(100)
    expect(seen).toEqual(['timer 50', 'message 50'])
    // Nothing came while it hung: what comes next is not lost.
    process.hang()
    process.goOn()
    await sim.run(200)
    process.arrive(1, () => void seen.push(`message ${sim.nowMs}`))
    await sim.run(300)
    expect(seen.at(-1)).toBe('message 200')
    expect(process.pendingTimers).toBe(0)
  })

  it('does nothing any more once it is killed', async () => {
    const sim = new Simulation('a')
    const process = new SimProcess(sim)
    const seen: string[] = []
    process.clock.every(5, () => void seen.push('timer'))
    await sim.run(7)
    process.kill()
    process.arrive(0, () => void seen.push('message'))
    await sim.run(50)
    expect(seen).toEqual(['timer'])
    expect(process.pendingTimers).toBe(0)
  })
})
