import { describe, expect, test } from 'vitest'
import { peerIdOf } from '../testing/claim-lan.ts'
import { MAX_HOLDERS, ringOfHolders } from './ring-of-holders.ts'

const swarm = (size: number, complete = 0) =>
  Array.from({ length: size }, (_, i) => ({ id: peerIdOf(`s${i}`), complete: i < complete }))

describe('the holders an agent is told of', () => {
  test('are all others while they are few', () => {
    const all = swarm(20, 3)
    expect(ringOfHolders(all[4]!.id, all)).toHaveLength(19)
    expect(ringOfHolders(all[4]!.id, all)).not.toContainEqual(all[4])
    expect(ringOfHolders(peerIdOf('stranger'), all)).toHaveLength(20)
  })

  test('are bounded in a large swarm, everybody is named about equally often, and all can be reached', () => {
    const all = swarm(256)
    const named = new Map<string, number>()
    const edges = new Map(all.map((h) => [h.id, ringOfHolders(h.id, all).map((x) => x.id)]))
    for (const to of edges.values()) {
      expect(to).toHaveLength(MAX_HOLDERS)
      for (const id of to) named.set(id, (named.get(id) ?? 0) + 1)
    }
    for (const h of all) expect(named.get(h.id)).toBe(MAX_HOLDERS)
    const reached = new Set([all[0]!.id])
    for (const id of reached) for (const next of edges.get(id)!) reached.add(next)
    expect(reached.size).toBe(256)
  })

  test('have complete ones first, but not only those', () => {
    const all = swarm(256, 100)
    const told = ringOfHolders(all[0]!.id, all)
    expect(told.slice(0, 32).every((h) => h.complete)).toBe(true)
    expect(told.some((h) => !h.complete)).toBe(true)
    expect(new Set(told.map((h) => h.id)).size).toBe(MAX_HOLDERS)
  })
})
