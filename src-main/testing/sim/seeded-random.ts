import { hash } from 'node:crypto'

/** Uniform in [0, 1); the same row of numbers for the same name. */
export type Random = () => number

/** A generator of its own for each name, so that one more question in one place changes no answer in another. sfc32 (Chris Doty-Humphrey), seeded by SHA-256. */
export function seededRandom(name: string): Random {
  const seed = hash('sha256', name, 'buffer')
  let [a, b, c, counter] = [seed.readInt32LE(0), seed.readInt32LE(4), seed.readInt32LE(8), 1]
  return () => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + sum) | 0
    return (sum >>> 0) / 4294967296
  }
}

/** Puts the items into a random order, in place. */
export function shuffle<T extends { [index: number]: number; readonly length: number } | unknown[]>(
  items: T,
  random: Random
): T {
  const list = items as unknown[]
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[list[i], list[j]] = [list[j], list[i]]
  }
  return items
}
