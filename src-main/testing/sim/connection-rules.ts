import type { PeerId } from '../../contract/ids.ts'
import { MAX_CONNECTED } from '../../peers/control/places.ts'
import { Mesh } from './mesh.ts'
import { shuffle, type Random } from './seeded-random.ts'

/** Who of the PCs of a subnet ends up connected to whom. */
export type ConnectionRule = (ids: readonly PeerId[], random: Random) => Mesh

/** Everybody with everybody. */
export const everybody: ConnectionRule = (ids) => {
  const mesh = new Mesh(ids.length)
  for (let a = 0; a < ids.length; a++) for (let b = 0; b < a; b++) mesh.join(a, b)
  return mesh
}

/**
 * As PCs connect that start at the same time: all dial all, in any order, and whoever has no place left refuses, or gives up what it has
 * dialled. A random part of the pairs; as large as the subnet allows up to `most` PCs, and the same for everybody beyond.
 */
export function allAtOnce(most = MAX_CONNECTED): ConnectionRule {
  return (ids, random) => {
    const n = ids.length
    if (n <= most + 1) return everybody(ids, random)
    const mesh = new Mesh(n)
    const pairs = new Uint32Array((n * (n - 1)) / 2)
    for (let a = 0, at = 0; a < n; a++) for (let b = 0; b < a; b++) pairs[at++] = a * n + b
    for (const pair of shuffle(pairs, random)) {
      const [a, b] = [Math.floor(pair / n), pair % n]
      if (mesh.degree(a) < most && mesh.degree(b) < most) mesh.join(a, b)
    }
    return mesh
  }
}

/** As PCs connect that start one after the other: each with all that are there and have a place. The first are a full mesh, and full. */
export function oneAfterTheOther(most = MAX_CONNECTED): ConnectionRule {
  return (ids) => {
    const mesh = new Mesh(ids.length)
    for (let a = 0; a < ids.length; a++)
      for (let b = 0; b < a && mesh.degree(a) < most; b++) if (mesh.degree(b) < most) mesh.join(a, b)
    return mesh
  }
}

/** Only those whose ids begin with the same bits, so many that at most `most` do. Up to `above` PCs there is one cell. */
export function inCells({ above = 300, most = 256 } = {}): ConnectionRule {
  return (ids, random) => {
    if (ids.length <= above) return everybody(ids, random)
    const mesh = new Mesh(ids.length)
    let bits = 1
    while (largestOf(ids, bits) > most) bits++
    const cells = Map.groupBy(ids.keys(), (index) => cellOf(ids[index]!, bits))
    for (const members of cells.values()) for (const a of members) for (const b of members) if (b < a) mesh.join(a, b)
    return mesh
  }
}

/** The first bits of an id. */
function cellOf(id: PeerId, bits: number): number {
  return Number.parseInt(id.slice(0, 8), 16) >>> (32 - bits)
}

function largestOf(ids: readonly PeerId[], bits: number): number {
  const cells = Map.groupBy(ids, (id) => cellOf(id, bits))
  return Math.max(...[...cells.values()].map(({ length }) => length))
}
