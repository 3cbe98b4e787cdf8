import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from '../lib/clock.ts'

/** A link is worth nothing after so long: time to start a browser, or to copy it into one. */
export const LINK_VALID_MS = 120_000
/** A session nobody uses ends after so long. An open window uses its own all the time. */
export const SESSION_IDLE_MS = 12 * 3600_000
/** So many at most; the ones unused for longest give way. */
const MAX_LINKS = 16
const MAX_SESSIONS = 64

/**
 * Who may use the window in a browser. A link is made for somebody who holds the API token and is exchanged once for a
 * session, whose token opens nothing but the window. Both live in this process only, and end with it. Kept by digest, so that
 * looking one up takes no time that depends on its text.
 */
export class UiSessions {
  readonly #clock: Clock
  /** Digest of the code → end of its life, monotonic ms. Oldest first. */
  readonly #links = new Map<string, number>()
  /** Digest of the token → end of its life, monotonic ms. Longest unused first. */
  readonly #sessions = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @returns the code of a new link */
  issueLink(): string {
    return keep(this.#links, this.#clock.monotonicMs() + LINK_VALID_MS, MAX_LINKS)
  }

  /** Uses a link up. @returns the token of a new session; null when there is no such link, or no longer */
  redeem(code: string): string | null {
    if (!this.#take(this.#links, code)) return null
    return keep(this.#sessions, this.#clock.monotonicMs() + SESSION_IDLE_MS, MAX_SESSIONS)
  }

  /** Whether the token is that of a session. Counts as use. */
  admits(token: string): boolean {
    if (!this.#take(this.#sessions, token)) return false
    this.#sessions.set(digestOf(token), this.#clock.monotonicMs() + SESSION_IDLE_MS)
    return true
  }

  #take(kept: Map<string, number>, secret: string): boolean {
    const digest = digestOf(secret)
    const until = kept.get(digest)
    kept.delete(digest)
    return until !== undefined && this.#clock.monotonicMs() < until
  }
}

function keep(kept: Map<string, number>, until: number, most: number): string {
  const secret = randomBytes(32).toString('base64url')
  kept.set(digestOf(secret), until)
  for (const [oldest] of kept) if (kept.size > most) kept.delete(oldest)
  return secret
}

const digestOf = (secret: string): string => createHash('sha256').update(secret).digest('base64')
