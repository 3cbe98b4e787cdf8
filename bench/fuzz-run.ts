import type { SeededRandom } from '../src-main/testing/mutate.ts'
import { isExpected, nextMessage, type FuzzTarget } from './fuzz-targets.ts'

/** Time one target gets before the next one has its turn, ms. */
const TURN_MS = 10
/** A single message that takes more work is a defect: the agent would stand still for this long. */
const HANG_MS = 1000
/** Asking the system for the work of a thread takes longer than most messages. */
const WORTH_A_LOOK_MS = 20
/** Different defects kept, each with its first message. */
const MAX_DEFECTS = 50

export interface FuzzDefect {
  readonly target: string
  readonly problem: string
  /** Base64; feed it to the target again to see it. */
  readonly message: string
}

export interface FuzzTally {
  readonly name: string
  messages: number
  /** Answered with a LarderError. */
  refused: number
  /** Longest time one message took. */
  longestMs: number
  defects: number
}

/** Time this thread has worked. */
function busyMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/** Feeds the targets in turns and keeps count. */
export class FuzzRun {
  readonly tallies: readonly FuzzTally[]
  readonly defects: FuzzDefect[] = []
  readonly #targets: readonly FuzzTarget[]
  readonly #random: SeededRandom
  /** Where the work of this thread stood when the turn began. */
  #sinceBusyMs = 0

  constructor(targets: readonly FuzzTarget[], random: SeededRandom) {
    this.#targets = targets
    this.#random = random
    this.tallies = targets.map(({ name }) => ({ name, messages: 0, refused: 0, longestMs: 0, defects: 0 }))
  }

  get messages(): number {
    return this.tallies.reduce((sum, { messages }) => sum + messages, 0)
  }

  /** One turn for each target. */
  round(): void {
    for (const [i, target] of this.#targets.entries()) {
      const untilMs = performance.now() + TURN_MS
      this.#sinceBusyMs = busyMs()
      while (performance.now() < untilMs) this.#feed(target, this.tallies[i]!, nextMessage(target, this.#random))
    }
  }

  /** So many messages for each target. */
  feedEach(messages: number): void {
    for (const [i, target] of this.#targets.entries()) {
      this.#sinceBusyMs = busyMs()
      for (let n = 0; n < messages; n++) this.#feed(target, this.tallies[i]!, nextMessage(target, this.#random))
    }
  }

  /** What of the time that passed this thread can have worked: on a busy machine it may stand still in the middle of a message. */
  #worked(passedMs: number): number {
    return passedMs < WORTH_A_LOOK_MS ? passedMs : Math.min(passedMs, busyMs() - this.#sinceBusyMs)
  }

  #feed(target: FuzzTarget, tally: FuzzTally, message: Buffer): void {
    const beforeMs = performance.now()
    let problem: string | null = null
    try {
      target.feed(message)
    } catch (thrown) {
      if (isExpected(thrown)) tally.refused++
      else problem = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
    }
    const tookMs = this.#worked(performance.now() - beforeMs)
    tally.messages++
    tally.longestMs = Math.max(tally.longestMs, tookMs)
    if (problem === null && tookMs > HANG_MS) problem = `took ${Math.round(tookMs)} ms`
    if (problem === null) return
    tally.defects++
    const isKnown = this.defects.some((known) => known.target === target.name && known.problem === problem)
    if (!isKnown && this.defects.length < MAX_DEFECTS)
      this.defects.push({ target: target.name, problem, message: message.toString('base64') })
  }
}
