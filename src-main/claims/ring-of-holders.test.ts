import { describe, expect, test } from 'vitest'
import { peerIdOf } from '../testing/claim-lan.ts'
import { FEW_HOLDERS, HOLDERS_OF_MANY, HolderRing } from './ring-of-holders.ts'

const swarm = (size: number, complete = 0) =>
  Array.from({ length: size }, (_, i) => ({ id: peerIdOf(`s${i}`), complete: i < complete }))

describe('the holders an agent is told of', () => {
  test('are all others while they are few', () => {
    const all = swarm(20, 3)
    expect(new HolderRing(all).of(all[4]!.id)).toHaveLength(19)
    expect(new HolderRing(all).of(all[4]!.id)).not.toContainEqual(all[4])
    expect(new HolderRing(all).of(peerIdOf('stranger'))).toHaveLength(20)
    const most = swarm(FEW_HOLDERS + 1)
    expect(new HolderRing(most).of(most[0]!.id)).toHaveLength(FEW_HOLDERS)
    expect(new HolderRing(most).of(peerIdOf('stranger'))).toHaveLength(HOLDERS_OF_MANY)
  })

  test('are bounded in a large swarm, everybody is named about equally often, and all can be reached', () => {
    const all = swarm(256)
    const named = new Map<string, number>()
    const edges = new Map(all.map((h) => [h.id, new HolderRing(all).of(h.id).map((x) => x.id)]))
    for (const to of edges.values()) {
      expect(to).toHaveLength(HOLDERS_OF_MANY)
      for (const id of to) named.set(id, (named.get(id) ?? 0) + 1)
    }
    for (const h of all) expect(named.get(h.id)).toBe(HOLDERS_OF_MANY)
    // Pieces go both ways.
    const beside = new Map([...edges].map(([id, to]) => [id, new Set([id, ...to])]))
    for (const [id, to] of edges) for (const other of to) beside.get(other)!.add(id)
    let reached = new Set([all[0]!.id])
    for (let step = 0; step < 4; step++) reached = new Set([...reached].flatMap((id) => [...beside.get(id)!]))
    expect(reached.size).toBe(256)
  })

  test('have complete ones first, but not only those', () => {
    const all = swarm(256, 100)
    const told = new HolderRing(all).of(all[0]!.id)
    expect(told.slice(0, HOLDERS_OF_MANY / 2).every((h) => h.complete)).toBe(true)
    expect(told.some((h) => !h.complete)).toBe(true)
    expect(new Set(told.map((h) => h.id)).size).toBe(HOLDERS_OF_MANY)
  })
})
