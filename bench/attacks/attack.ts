import type { SeededRandom } from '../../src-main/testing/mutate.ts'

/** What came of an attack. */
export interface Seen {
  /** A clause with figures. */
  readonly seen: string
  /** What must hold did hold. */
  readonly held: boolean
}

/** One way to harm an agent, carried out against real parts of it. */
export interface Attack {
  /** `A3 identities`: the letter says who acts. */
  readonly name: string
  /** What came of it before there was a defence. */
  readonly before: string
  /** Why it cannot be tried here; absent: it can. */
  readonly cannot?: string
  carryOut(random: SeededRandom): Promise<Seen>
}

/** Runs what ends things, last first, whatever happens. */
export async function withEnds<T>(work: (ends: (end: () => unknown) => void) => Promise<T>): Promise<T> {
  const all: (() => unknown)[] = []
  try {
    return await work((end) => all.push(end))
  } finally {
    for (const end of all.toReversed()) await end()
  }
}
