import { describe, expect, it } from 'vitest'
import { peerIdOf } from '../claim-lan.ts'
import { allAtOnce, everybody, inCells, oneAfterTheOther } from './connection-rules.ts'
import { freeOfCharge } from './cpu-costs.ts'
import { electForAll } from './elections.ts'
import { seededRandom } from './seeded-random.ts'
import { SimSubnet } from './sim-subnet.ts'

const ids = (count: number) => Array.from({ length: count }, (_, i) => peerIdOf(`pc ${i}`))
const degrees = (mesh: ReturnType<typeof everybody>) =>
  Array.from({ length: mesh.size }, (_, i) => [mesh.degree(i), [...mesh.of(i)].length])

describe('who is connected to whom', () => {
  const random = () => seededRandom('mesh')

  it('is everybody with everybody while there are places', () => {
    for (const rule of [everybody, allAtOnce(20), oneAfterTheOther(20), inCells({ above: 21, most: 10 })])
      expect(degrees(rule(ids(21), random()))).toEqual(Array(21).fill([20, 20]))
  })

  it('is a random part where all start at once and places are few, and the same from both sides', () => {
    const mesh = allAtOnce(20)(ids(60), random())
    for (let a = 0; a < 60; a++) {
      expect(mesh.degree(a)).toBeGreaterThan(10)
      expect(mesh.degree(a)).toBeLessThanOrEqual(20)
      for (const b of mesh.of(a)) expect(mesh.has(b, a)).toBe(true)
    }
    // Those of the first half are not by themselves.
    expect([...mesh.of(0)].filter((b) => b >= 30).length).toBeGreaterThan(4)
  })

  it('is one full mesh after the other where PCs start one after the other', () => {
    const mesh = oneAfterTheOther(20)(ids(63), random())
    for (let a = 0; a < 63; a++)
      expect([...mesh.of(a)].every((b) => Math.floor(a / 21) === Math.floor(b / 21))).toBe(true)
  })

  it('is those with the same first bits in cells, none of which is too large', () => {
    const all = ids(200)
    const mesh = inCells({ above: 60, most: 40 })(all, random())
    const first = (id: string) => Number.parseInt(id[0]!, 16) >> 1
    for (let a = 0; a < 200; a++) {
      expect(mesh.degree(a)).toBeLessThan(40)
      const mates = all.flatMap((id, b) => (b !== a && first(id) === first(all[a]!) ? [b] : []))
      expect([...mesh.of(a)]).toEqual(mates)
    }
  })
})

describe('simulated wires', () => {
  const key = `version:${'a'.repeat(64)}`
  const hold = { t: 'claim.holding', key, pieces: 1, complete: false } as never

  it('lose what is under way when they break, and swallow the rest until both ends have noticed', async () => {
    const { wires, sim, agents } = new SimSubnet({ pcs: 2, rule: everybody, costs: freeOfCharge })
    wires.connect(0, 1)
    await sim.pass(10)
    const seen: string[] = []
    agents[1]!.network.on('message', (_, { t }) => seen.push(`${sim.nowMs} ${t}`))
    agents[1]!.network.on('lost', (_, reason) => seen.push(`${sim.nowMs} ${reason}`))
    expect(wires.send(0, 1, hold)).toBe(true)
    await sim.pass(5)
    wires.send(0, 1, hold)
    wires.cut(0, 1, { a: 20, b: 30 }, 'was silent')
    await sim.pass(15)
    expect(wires.send(0, 1, hold)).toBe(true)
    await sim.pass(10)
    expect(wires.send(0, 1, hold)).toBe(false)
    await sim.pass(20)
    expect(seen).toEqual(['12 claim.holding', '45 was silent'])
  })

  it('never let one message overtake another', async () => {
    const { wires, sim, agents } = new SimSubnet({ pcs: 2, rule: everybody, costs: freeOfCharge, jitterMs: 50 })
    wires.connect(0, 1)
    await sim.pass(10)
    const seen: number[] = []
    agents[1]!.network.on('message', (_, message) => seen.push((message as { pieces: number }).pieces))
    for (let pieces = 0; pieces < 50; pieces++) {
      wires.send(0, 1, { ...(hold as object), pieces } as never)
      await sim.pass(1)
    }
    await sim.pass(100)
    expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => i))
  })
})

describe('an election in a simulated subnet', () => {
  it('has one master where all see all, and more where the mesh is partial', async () => {
    const whole = await electForAll({ pcs: 80 })
    expect(whole).toMatchObject({ pcs: 80, masters: 1, coordinators: 1 })
    expect(whole.decidedMs).toBeLessThan(250)
    const partial = await electForAll({ pcs: 80, rule: allAtOnce(8) })
    expect(partial.masters).toBeGreaterThan(1)
    expect(partial.allToldMs).not.toBeNull()
  })

  it('is the same twice from one seed, and another from another', async () => {
    const of = (seed: string) => electForAll({ pcs: 30, seed, jitterMs: 3 })
    const first = await of('a')
    expect(await of('a')).toEqual(first)
    expect((await of('b')).trace).not.toBe(first.trace)
  })
})
