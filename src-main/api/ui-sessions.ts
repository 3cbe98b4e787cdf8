// Why it is like this: docs/decisions/0016-a-browser-signs-in-by-link-and-bearer-token.md
import { createHash, randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Clock } from '../lib/clock.ts'
import { readPrivateFile, writePrivateFile } from '../lib/private-file.ts'

/** A link is worth nothing after this long: time to start a browser, or to copy it into one. */
export const LINK_VALID_MS = 120_000
/** A session nobody uses ends after this long. An open window uses its own all the time. */
export const SESSION_IDLE_MS = 12 * 3600_000
/** A session ends after this long whoever uses it. */
export const SESSION_LIFE_MS = 30 * 24 * 3600_000
/** Use is written down at most this often; what is written lags that much behind. */
const NOTE_USE_EVERY_MS = 600_000
/** So many at most; the ones unused for longest give way. */
const MAX_LINKS = 16
const MAX_SESSIONS = 64
const MAX_FILE_BYTES = 64 * 1024

const KeptSessions = z
  .array(z.strictObject({ digest: z.string().length(44), begunAt: z.number(), usedAt: z.number() }))
  .max(MAX_SESSIONS)
type KeptSession = z.infer<typeof KeptSessions>[number]

interface Session {
  readonly until: number
  /** Wall clock, ms since 1970. */
  readonly begunAt: number
}

/**
 * Who may use the window in a browser. A link is made for somebody who holds the API token and is exchanged once for a
 * session, whose token opens nothing but the window. Links live in this process only; sessions outlive it, so that a window that
 * stays open works again after the agent was restarted. Kept by digest, in a file for this user alone: neither file nor lookup
 * tells a token.
 */
export class UiSessions {
  readonly #clock: Clock
  readonly #path: string | null
  /** Digest of the code → end of its life, monotonic ms. Oldest first. */
  readonly #links = new Map<string, number>()
  /** By digest of the token. Longest unused first. */
  readonly #sessions = new Map<string, Session>()
  #notedMs = -Infinity
  #writing: Promise<void> = Promise.resolve()

  private constructor(clock: Clock, path: string | null, kept: readonly KeptSession[]) {
    this.#clock = clock
    this.#path = path
    const now = { wall: clock.wallMs(), monotonic: clock.monotonicMs() }
    for (const { digest, begunAt, usedAt } of kept) {
      // A clock that was set back makes nobody's session longer.
      const idleMs = Math.max(0, now.wall - usedAt)
      if (begunAt <= now.wall && idleMs < SESSION_IDLE_MS)
        this.#sessions.set(digest, { until: now.monotonic + SESSION_IDLE_MS - idleMs, begunAt })
    }
  }

  /** @param path file that sessions survive in; null: they do not. A damaged file means that nobody is signed in. */
  static async open(clock: Clock, path: string | null): Promise<UiSessions> {
    const bytes = path === null ? undefined : await readPrivateFile(path, MAX_FILE_BYTES).catch(() => undefined)
    return new UiSessions(clock, path, bytes ? parse(bytes.toString('utf8')) : [])
  }

  /** @returns the code of a new link */
  issueLink(): string {
    const secret = randomBytes(32).toString('base64url')
    this.#links.set(digestOf(secret), this.#clock.monotonicMs() + LINK_VALID_MS)
    giveWay(this.#links, MAX_LINKS)
    return secret
  }

  /** Uses a link up. @returns the token of a new session; null when there is no such link, or no longer */
  redeem(code: string): string | null {
    const digest = digestOf(code)
    const until = this.#links.get(digest)
    this.#links.delete(digest)
    if (until === undefined || this.#clock.monotonicMs() >= until) return null
    const token = randomBytes(32).toString('base64url')
    this.#use(digestOf(token), this.#clock.wallMs())
    this.#note()
    return token
  }

  /** Whether the token is that of a session. Counts as use. */
  admits(token: string): boolean {
    const digest = digestOf(token)
    const session = this.#sessions.get(digest)
    if (session === undefined) return false
    const isOver =
      this.#clock.monotonicMs() >= session.until || this.#clock.wallMs() - session.begunAt >= SESSION_LIFE_MS
    this.#sessions.delete(digest)
    if (!isOver) this.#use(digest, session.begunAt)
    if (isOver || this.#clock.monotonicMs() - this.#notedMs >= NOTE_USE_EVERY_MS) this.#note()
    return !isOver
  }

  /** Ends a session; its token is worth nothing from now on, nor after a restart. */
  revoke(token: string): void {
    if (this.#sessions.delete(digestOf(token))) this.#note()
  }

  /** What is to be kept is on the disk. */
  async settled(): Promise<void> {
    await this.#writing
  }

  #use(digest: string, begunAt: number): void {
    this.#sessions.set(digest, { until: this.#clock.monotonicMs() + SESSION_IDLE_MS, begunAt })
    giveWay(this.#sessions, MAX_SESSIONS)
  }

  #note(): void {
    const path = this.#path
    if (path === null) return
    this.#notedMs = this.#clock.monotonicMs()
    // One write after the other, the last one is what holds; what cannot be kept still holds for this run.
    this.#writing = this.#writing.then(() => writePrivateFile(path, JSON.stringify(this.#kept()))).catch(() => {})
  }

  #kept(): KeptSession[] {
    const now = { wall: this.#clock.wallMs(), monotonic: this.#clock.monotonicMs() }
    return [...this.#sessions].map(([digest, { until, begunAt }]) => ({
      digest,
      begunAt,
      usedAt: now.wall - (now.monotonic + SESSION_IDLE_MS - until)
    }))
  }
}

function giveWay(kept: Map<string, unknown>, most: number): void {
  for (const [oldest] of kept) if (kept.size > most) kept.delete(oldest)
}

function parse(text: string): readonly KeptSession[] {
  try {
    return KeptSessions.parse(JSON.parse(text))
  } catch {
    return []
  }
}

const digestOf = (secret: string): string => createHash('sha256').update(secret).digest('base64')
