// Why it is like this: docs/decisions/0027-adaptive-downloads-steer-by-what-they-ask-for.md
/**
 * How many bytes a background download may have asked for and not yet received, so that it uses what others leave of a link and
 * yields when they come. After LEDBAT++ (draft-irtf-iccrg-ledbat-plus-plus-01): the delay that queues cause is the sign, one delay
 * target, multiplicative decrease, and slowdowns now and then in which the true base delay shows. Two things differ, because the
 * receiver steers here: a step is a sample of the delay, not an acknowledgement, and an unused link is taken in slow start again.
 *
 *     rising ──► steady ──► resting ──► rising …
 *        ▲         │
 *        └─────────┘  the link stands empty
 */
export interface LawState {
  readonly phase: 'rising' | 'steady' | 'resting'
  readonly windowBytes: number
  /** Rising goes on up to here, unless a queue shows before. */
  readonly goalBytes: number
  /** Delays seen of late, ms, newest last. */
  readonly recent: readonly number[]
  /** Least delay of each half minute, newest last: routes change, so old ones are forgotten. */
  readonly base: readonly number[]
  readonly baseSinceMs: number
  /** When it rests next, or while resting until when; monotonic ms. */
  readonly turnMs: number
  readonly restedSinceMs: number
  /** Samples in a row that saw no queue. */
  readonly emptySeen: number
  readonly atMs: number
}

export interface LawLimits {
  /** Queueing delay it may cause, ms. */
  readonly targetMs: number
  /** It asks for about this much per second however long the queues are. */
  readonly floorBytesPerSecond: number
  readonly ceilingBytes: number
}

export interface DelaySample {
  readonly atMs: number
  /** Round trip to the origin, ms. */
  readonly rttMs: number
  /** Bytes received since the last sample. */
  readonly receivedBytes: number
}

const SEGMENT_BYTES = 1448
/** Less cannot be asked for in one range request with any sense. */
export const LEAST_WINDOW_BYTES = 8 * 1024
const FIRST_WINDOW_BYTES = 32 * 1024
const RECENT = 2
const BASE_SPAN_MS = 30_000
const BASE_SPANS = 6
/** Share of the target at which rising ends. */
const RISING_ENDS = 0.75
const LARGEST_GAIN_DIVISOR = 16
/** A rest and the rising after it are at most this part of the time. */
const REST_SHARE = 1 / 10
const LEAST_WORK_MS = 12_000
const EMPTY_SHARE = 1 / 8
const EMPTY_ENOUGH = 8
/** Round trips that one sample may stand for: after a silence the law does not leap. */
const MOST_ROUND_TRIPS = 4

export function firstState(atMs: number): LawState {
  return {
    phase: 'rising',
    windowBytes: FIRST_WINDOW_BYTES,
    goalBytes: Infinity,
    recent: [],
    base: [],
    baseSinceMs: atMs,
    turnMs: Infinity,
    restedSinceMs: atMs,
    emptySeen: 0,
    atMs
  }
}

/** Delay that queues cause as far as the samples tell, ms. */
export function queueingDelayMs({ recent, base }: LawState): number {
  return recent.length === 0 ? 0 : Math.max(0, Math.min(...recent) - Math.min(...base))
}

/** The law: state and sample in, state out. */
export function step(before: LawState, sample: DelaySample, limits: LawLimits): LawState {
  const state = noteDelay(before, sample)
  const { atMs, rttMs } = sample
  const delayMs = queueingDelayMs(state)
  const roundTrips = Math.min(MOST_ROUND_TRIPS, Math.max(0, atMs - before.atMs) / Math.max(1, rttMs))
  const gain =
    1 /
    Math.min(LARGEST_GAIN_DIVISOR, Math.max(1, Math.ceil((2 * limits.targetMs) / Math.max(1, Math.min(...state.base)))))
  // A window that was not used says nothing about what a larger one would do.
  const used = sample.receivedBytes >= (state.windowBytes * roundTrips) / 4
  const bounded = (bytes: number) => bound(bytes, rttMs, limits)

  switch (state.phase) {
    case 'resting':
      if (atMs < state.turnMs) return state
      return { ...state, phase: 'rising' }
    case 'rising': {
      if (delayMs > limits.targetMs * RISING_ENDS) {
        // What has come per ms, times the round trip wanted: the window that this link needs, whatever it overshot to.
        const needed =
          (sample.receivedBytes / Math.max(1, atMs - before.atMs)) *
          (Math.min(...state.base) + limits.targetMs * RISING_ENDS)
        return toSteady({ ...state, recent: [], windowBytes: bounded(Math.min(state.windowBytes, needed)) }, atMs)
      }
      if (state.windowBytes >= state.goalBytes) return toSteady(state, atMs)
      // After a rest it is known how much the link takes.
      const factor = 1 + (state.goalBytes === Infinity ? gain : 1)
      const grown = used ? state.windowBytes * factor ** roundTrips : state.windowBytes
      return { ...state, windowBytes: bounded(Math.min(grown, state.goalBytes)) }
    }
    case 'steady': {
      if (atMs >= state.turnMs) {
        // Two round trips with next to nothing under way; then back to where it was.
        return {
          ...state,
          phase: 'resting',
          goalBytes: state.windowBytes,
          windowBytes: LEAST_WINDOW_BYTES,
          turnMs: atMs + 2 * rttMs,
          restedSinceMs: atMs,
          emptySeen: 0
        }
      }
      const over = delayMs / limits.targetMs - 1
      const empty = used && delayMs < limits.targetMs * EMPTY_SHARE ? state.emptySeen + 1 : 0
      if (empty >= EMPTY_ENOUGH) return { ...state, phase: 'rising', goalBytes: Infinity, emptySeen: 0 }
      // One decrease per sample, and the next one by samples that have seen it.
      if (over > 0)
        return {
          ...state,
          recent: [],
          windowBytes: bounded(state.windowBytes * (1 - Math.min(0.5, over)) ** Math.min(1, roundTrips)),
          emptySeen: 0
        }
      return {
        ...state,
        windowBytes: bounded(used ? state.windowBytes + gain * SEGMENT_BYTES * roundTrips : state.windowBytes),
        emptySeen: empty
      }
    }
  }
}

function noteDelay(state: LawState, { atMs, rttMs }: DelaySample): LawState {
  const recent = [...state.recent, rttMs].slice(-RECENT)
  if (state.base.length > 0 && atMs - state.baseSinceMs < BASE_SPAN_MS) {
    return { ...state, atMs, recent, base: [...state.base.slice(0, -1), Math.min(state.base.at(-1)!, rttMs)] }
  }
  return { ...state, atMs, recent, base: [...state.base, rttMs].slice(-BASE_SPANS), baseSinceMs: atMs }
}

function toSteady(state: LawState, atMs: number): LawState {
  const rested = state.goalBytes !== Infinity
  const restMs = rested ? atMs - state.restedSinceMs : 0
  const turnMs =
    rested || state.turnMs === Infinity ? atMs + Math.max(LEAST_WORK_MS, restMs / REST_SHARE - restMs) : state.turnMs
  return { ...state, phase: 'steady', goalBytes: Infinity, emptySeen: 0, turnMs }
}

function bound(bytes: number, rttMs: number, { floorBytesPerSecond, ceilingBytes }: LawLimits): number {
  const floor = Math.max(LEAST_WINDOW_BYTES, (floorBytesPerSecond * rttMs) / 1000)
  return Math.min(Math.max(bytes, floor), Math.max(ceilingBytes, LEAST_WINDOW_BYTES))
}
