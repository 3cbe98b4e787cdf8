// Whole downloads of many PCs on the simulator: run, judged, and as rows of a table.
import type { ConnectionRule } from '../src-main/testing/sim/connection-rules.ts'
import { downloadByAll, type Download, type DownloadOptions } from '../src-main/testing/sim/downloads.ts'
import { twice, type Twice } from './sim-twice.ts'

/** What is simulated, by name; the number of PCs is told apart. */
export const downloadKinds = {
  /** A site behind 100 Mbit/s, gigabit inside. */
  site: { lengthBytes: 200e6, pieces: 100, pcBytesPerSecond: 125e6, originBytesPerSecond: 12.5e6 },
  /** The same; all PCs are switched on within ten seconds and ask as soon as they run. */
  start: {
    lengthBytes: 200e6,
    pieces: 100,
    pcBytesPerSecond: 125e6,
    originBytesPerSecond: 12.5e6,
    startWithinMs: 10_000
  },
  /** The case Kraken has published: 3 billion bytes to 2,600 hosts, 2.4 Gbit/s each: p50 10 s, p99 18 s. */
  kraken: { lengthBytes: 3e9, pieces: 128, pcBytesPerSecond: 300e6, originBytesPerSecond: 300e6 }
} as const satisfies Record<string, Omit<DownloadOptions, 'pcs'>>

export type DownloadKind = keyof typeof downloadKinds

export type Downloaded = Download & Twice & { readonly kind: DownloadKind }

export const MOST_OF_OPTIMUM: Readonly<Record<DownloadKind, number>> = { site: 1.25, start: 1.5, kraken: 1.5 }

export async function download(
  kind: DownloadKind,
  pcs: number,
  { seed, rule, once }: { seed: string; rule: ConnectionRule; once: boolean }
): Promise<Downloaded> {
  const options = { ...downloadKinds[kind], pcs, seed, rule }
  return { kind, ...(await twice(() => downloadByAll(options), once)) }
}

export function ratioOf({ p99Ms, optimumMs }: Download): number | null {
  return p99Ms === null ? null : p99Ms / optimumMs
}

/** What was missed, in words. */
export function downloadMisses(d: Downloaded): string[] {
  const misses: string[] = []
  const ratio = ratioOf(d)
  if (d.failed > 0) misses.push(`${d.kind}: ${d.failed} of ${d.pcs} PCs did not get it`)
  if (d.copies > 1.01) misses.push(`${d.kind}: ${d.pcs} PCs took ${d.copies.toFixed(2)} copies from the origin`)
  if (ratio !== null && ratio > MOST_OF_OPTIMUM[d.kind])
    misses.push(`${d.kind}: p99 of ${d.pcs} PCs is ${ratio.toFixed(2)} × the optimum`)
  return misses
}

export const downloadHead = [
  'what',
  'PCs',
  'pieces',
  'copies',
  'p50',
  'p99',
  'last',
  '÷ optimum',
  'messages',
  'busiest CPU',
  'trace',
  'took'
]

export function downloadRow(d: Downloaded): string[] {
  const seconds = (ms: number | null) => (ms === null ? 'never' : `${(ms / 1000).toFixed(1)} s`)
  return [
    d.kind,
    String(d.pcs),
    String(d.pieces),
    d.copies.toFixed(2),
    seconds(d.p50Ms),
    seconds(d.p99Ms),
    seconds(d.lastMs),
    ratioOf(d)?.toFixed(2) ?? '–',
    String(d.messages),
    seconds(d.busiestCpuMs),
    d.isRepeatable === null ? `${d.trace.slice(0, 8)} once` : d.isRepeatable ? d.trace.slice(0, 8) : 'DIFFERS',
    seconds(d.seconds * 1000)
  ]
}
