import type { AgentEvent } from '../contract/events.ts'
import type { Clock, Timer } from '../lib/clock.ts'

export interface Notice {
  readonly title: string
  readonly body: string
}

/** What happens within this time of the first event is told together. */
const GROUP_MS = 3000
/** Nobody is disturbed more often. */
const QUIET_MS = 60_000

/** Turns recalls, failures and fallbacks into few notices: a group at a time, and then silence for a while. */
export class Notices {
  readonly #clock: Clock
  readonly #show: (notice: Notice) => void
  #waiting: AgentEvent[] = []
  #timer: Timer | null = null
  #shownAtMs = -Infinity

  constructor(clock: Clock, show: (notice: Notice) => void) {
    this.#clock = clock
    this.#show = show
  }

  add(event: AgentEvent): void {
    if (event.type !== 'fallback' && event.type !== 'requestFailed' && event.type !== 'contentRecalled') return
    this.#waiting.push(event)
    const quietFor = this.#shownAtMs + QUIET_MS - this.#clock.monotonicMs()
    this.#timer ??= this.#clock.after(Math.max(GROUP_MS, quietFor), () => this.#tell())
  }

  /** Forgets what has not been shown. */
  clear(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.#waiting = []
  }

  #tell(): void {
    const events = this.#waiting
    this.clear()
    this.#shownAtMs = this.#clock.monotonicMs()
    this.#show(noticeOf(events))
  }
}

/** One notice about one or more events. */
export function noticeOf(events: readonly AgentEvent[]): Notice {
  const recalled = events.filter(({ type }) => type === 'contentRecalled')
  // Nothing is more urgent than a file not to be used.
  if (recalled.length > 0)
    return {
      title: recalled.length === 1 ? 'A file was recalled' : `${recalled.length} files were recalled`,
      body: (recalled[0]?.text ?? '').slice(0, 240)
    }
  const failed = events.filter(({ type }) => type === 'requestFailed')
  const fellBack = events.filter(({ type }) => type === 'fallback')
  const title =
    failed.length > 0
      ? failed.length === 1
        ? 'A download failed'
        : `${failed.length} downloads failed`
      : fellBack.length === 1
        ? 'A download continues without peers'
        : `${fellBack.length} downloads continue without peers`
  const first = failed[0] ?? fellBack[0]
  const others =
    failed.length > 0 && fellBack.length > 0
      ? `${fellBack.length === 1 ? 'Another goes' : `${fellBack.length} others go`} on without peers.`
      : ''
  const body = failed.length > 1 ? `First: ${first?.text ?? ''}` : (first?.text ?? '')
  return {
    title,
    body: [body, others]
      .filter((part) => part !== '')
      .join(' ')
      .slice(0, 240)
  }
}
