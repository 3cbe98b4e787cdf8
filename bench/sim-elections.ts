// Elections of many PCs on the simulator: run, judged, and as rows of a table.
import type { ConnectionRule } from '../src-main/testing/sim/connection-rules.ts'
import { electForAll, type Election } from '../src-main/testing/sim/elections.ts'
import { twice, type Twice } from './sim-twice.ts'

export const MOST_COORDINATOR_BYTES = 500_000

export type Elected = Election & Twice

export function elect(pcs: number, seed: string, rule: ConnectionRule): Promise<Elected> {
  return twice(() => electForAll({ pcs, seed, rule }))
}

/** What was missed, in words. */
export function electionMisses({ pcs, masters, coordinatorBytes }: Elected): string[] {
  const misses: string[] = []
  if (masters !== 1) misses.push(`${pcs} PCs had ${masters} masters for one content`)
  if (coordinatorBytes > MOST_COORDINATOR_BYTES)
    misses.push(`of ${pcs} PCs the coordinator sent ${(coordinatorBytes / 1e6).toFixed(2)} MB for one election`)
  return misses
}

export const electionHead = [
  'PCs',
  'links',
  'masters',
  'decided after',
  'all told after',
  'coordinator sent',
  'messages',
  'longest wait',
  'trace',
  'took'
]

export function electionRow(e: Elected): string[] {
  return [
    String(e.pcs),
    String(e.connections),
    String(e.masters),
    `${Math.round(e.decidedMs)} ms`,
    e.allToldMs === null ? 'never' : `${Math.round(e.allToldMs)} ms`,
    `${(e.coordinatorBytes / 1e6).toFixed(2)} MB`,
    String(e.messages),
    `${Math.round(e.longestWaitMs)} ms`,
    e.isRepeatable ? e.trace.slice(0, 8) : 'DIFFERS',
    `${e.seconds.toFixed(1)} s`
  ]
}
