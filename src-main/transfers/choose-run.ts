import { Bitmap } from '../lib/bitmap.ts'

/** What is known when a peer has room for another ask. */
export interface RunQuestion {
  /** Pieces neither had nor asked for. */
  readonly wanted: Bitmap
  /** Pieces this peer has. */
  readonly offered: Bitmap
  /** How many reachable peers have each piece. */
  readonly holders: Uint16Array
  /** Only pieces nobody else has: the master's link is for what cannot be had elsewhere. */
  readonly onlyRare: boolean
  /** Take the lowest index instead of a random one among equally rare; best when this is the only asker. */
  readonly inOrder: boolean
  /** Longest run, pieces. */
  readonly maxRun: number
  /** Uniform in [0, 1). */
  readonly random: () => number
}

export interface Run {
  readonly first: number
  readonly count: number
}

/**
 * Chooses what to ask a peer for: a rarest piece, ties at random, together with its wanted neighbours. Runs start at
 * multiples of `maxRun` where they can, so that what is left later is not in splinters.
 * @returns null when the peer has nothing wanted
 */
export function chooseRun(q: RunQuestion): Run | null {
  const seed = rarestPiece(q)
  if (seed === null) return null
  const wanted = (i: number) => q.wanted.has(i) && q.offered.has(i) && (!q.onlyRare || q.holders[i]! <= 1)
  if (q.inOrder) return { first: seed, count: runLength(wanted, seed, seed + q.maxRun) }
  const blockStart = seed - (seed % q.maxRun)
  let first = seed
  while (first > blockStart && wanted(first - 1)) first--
  return { first, count: runLength(wanted, first, blockStart + q.maxRun) }
}

function rarestPiece(q: RunQuestion): number | null {
  let best: number | null = null
  let bestHolders = Infinity
  let ties = 0
  const want = q.wanted.bytes
  const offer = q.offered.bytes
  for (let byte = 0; byte < want.length; byte++) {
    const both = want[byte]! & offer[byte]!
    if (both === 0) continue
    for (let bit = 0; bit < 8; bit++) {
      if ((both & (0x80 >> bit)) === 0) continue
      const index = byte * 8 + bit
      const holders = q.holders[index]!
      if (q.onlyRare && holders > 1) continue
      if (holders < bestHolders) {
        best = index
        bestHolders = holders
        ties = 1
      } else if (holders === bestHolders && !q.inOrder && q.random() * ++ties < 1) best = index
    }
  }
  return best
}

function runLength(wanted: (i: number) => boolean, first: number, end: number): number {
  let count = 0
  while (first + count < end && wanted(first + count)) count++
  return count
}

/** Of what is wanted, what none of these offers. */
export function offeredByNone(wanted: Bitmap, offers: readonly Bitmap[]): Bitmap {
  if (offers.length === 0) return wanted
  const left = wanted.bytes.map((bits, at) => offers.reduce((rest, { bytes }) => rest & ~bytes[at]!, bits))
  return new Bitmap(wanted.size, left)
}

/** The missing pieces that no reachable peer has, as the first gap of neighbouring ones. @returns null when there is none */
export function firstGap(wanted: Bitmap, holders: Uint16Array | null): Run | null {
  const needed = (i: number) => wanted.has(i) && (holders === null || holders[i] === 0)
  for (let i = 0; i < wanted.size; i++) if (needed(i)) return { first: i, count: runLength(needed, i, wanted.size) }
  return null
}
