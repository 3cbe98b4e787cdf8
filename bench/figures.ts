/** What `GET /__stats` of the origin says; see `src-main/testing/origin-server.ts`. */
export interface OriginStats {
  readonly contentBytes: number
  readonly requests: number
  readonly paths: Readonly<
    Record<
      string,
      {
        readonly contentBytes: number
        readonly answers: readonly {
          readonly contentBytes: number
          readonly firstByteAt: number
          readonly lastByteAt: number
        }[]
      }
    >
  >
}

/** One measured run of a site. Times count from the moment the first agent was asked. */
export interface RunFigures {
  /** Content bytes the origin sent ÷ content bytes. 1 is one download for all. */
  readonly originRatio: number
  /** Until the first and the last agent had all its files. */
  readonly firstSeconds: number
  readonly lastSeconds: number
  /** From the origin's last byte to the last agent's end. */
  readonly lagSeconds: number
  /** From the kill of the master to the first byte for its successor; null without a kill, or when nobody needed the origin any more. */
  readonly takeoverSeconds: number | null
  /** When the master was killed, seconds after asking. */
  readonly killedAtSeconds: number | null
  readonly wrongFiles: number
  /** Requests of surviving agents that did not end as done. */
  readonly failedRequests: number
  /** CPU time of all agents together ÷ GiB delivered to all of them together. */
  readonly cpuSecondsPerGiB: number
  /** Highest resident memory of any one agent. */
  readonly peakRssMiB: number
  /** Highest of all agents. */
  readonly eventLoopP99Ms: number
  /** From asking to the first election, the question to the origin included. */
  readonly electionMs: number | null
}

/** Seconds from `killedAt` (wall clock, ms) until a later answer's first content byte. */
export function takeoverSeconds(stats: OriginStats, killedAt: number): number | null {
  const later = Object.values(stats.paths)
    .flatMap((path) => path.answers)
    .map((answer) => answer.firstByteAt)
    .filter((at) => at >= killedAt)
  return later.length === 0 ? null : (Math.min(...later) - killedAt) / 1000
}

/** Wall clock of the last content byte the origin sent, ms. */
export function lastOriginByteAt(stats: OriginStats): number | null {
  const times = Object.values(stats.paths).flatMap((path) => path.answers.map((answer) => answer.lastByteAt))
  return times.length === 0 ? null : Math.max(...times)
}

export function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
}

export function worst(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.max(...values)
}

export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Several runs as one: times and ratios are means, counts are sums, peaks are the highest. */
export function summarize(runs: readonly RunFigures[]): RunFigures {
  const over = (pick: (run: RunFigures) => number | null, how: (values: number[]) => number | null) =>
    how(runs.map(pick).filter((value) => value !== null))
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  return {
    originRatio: over((run) => run.originRatio, mean) ?? 0,
    firstSeconds: over((run) => run.firstSeconds, mean) ?? 0,
    lastSeconds: over((run) => run.lastSeconds, mean) ?? 0,
    lagSeconds: over((run) => run.lagSeconds, mean) ?? 0,
    takeoverSeconds: over((run) => run.takeoverSeconds, mean),
    killedAtSeconds: over((run) => run.killedAtSeconds, mean),
    wrongFiles: over((run) => run.wrongFiles, sum) ?? 0,
    failedRequests: over((run) => run.failedRequests, sum) ?? 0,
    cpuSecondsPerGiB: over((run) => run.cpuSecondsPerGiB, mean) ?? 0,
    peakRssMiB: over((run) => run.peakRssMiB, worst) ?? 0,
    eventLoopP99Ms: over((run) => run.eventLoopP99Ms, worst) ?? 0,
    electionMs: over((run) => run.electionMs, mean)
  }
}

/** The worst value of each figure over several runs. */
export function worstOf(runs: readonly RunFigures[]): Partial<Record<keyof RunFigures, number | null>> {
  const keys = Object.keys(runs[0] ?? {}) as (keyof RunFigures)[]
  return Object.fromEntries(
    keys
      .filter((key) => key !== 'killedAtSeconds')
      .map((key) => [key, worst(runs.map((run) => run[key]).filter((value) => value !== null))])
  )
}

/** Numbers in `[0, 1)` that are the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Rounds the figures of a report to what is worth reading. */
export function rounded<T>(value: T, digits = 4): T {
  if (typeof value === 'number') return Number(value.toFixed(digits)) as T
  if (Array.isArray(value)) return value.map((item: unknown) => rounded(item, digits)) as T
  if (value && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rounded(item, digits)])) as T
  return value
}
