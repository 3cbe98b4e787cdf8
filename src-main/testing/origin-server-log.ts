import type http from 'node:http'

/** One request as it came in and how it was answered. */
export interface OriginRequest {
  readonly path: string
  /** Path with its query. */
  readonly target: string
  readonly method: string
  readonly headers: http.IncomingHttpHeaders
  readonly range: string | null
  readonly clientPort: number
  /** Wall clock, ms. */
  readonly at: number
  readonly secure: boolean
  /** 0 until answered. */
  status: number
  contentBytes: number
}

export interface OriginAnswer {
  contentBytes: number
  firstByteAt: number
  lastByteAt: number
}

export interface OriginPathStats {
  contentBytes: number
  requests: number
  rangeRequests: number
  headRequests: number
  /** Wall clock of the first and last content byte, ms. */
  firstByteAt: number | null
  lastByteAt: number | null
  /** The same of each answer that carried any, at most 1,000. */
  answers: OriginAnswer[]
}

export interface OriginStats {
  contentBytes: number
  requests: number
  rangeRequests: number
  headRequests: number
  connections: number
  paths: Record<string, OriginPathStats>
}

const MOST_REQUESTS_KEPT = 100_000
const MOST_ANSWERS_KEPT = 1000

/** What the test origin was asked for and has sent. */
export class OriginLog {
  #requests: OriginRequest[] = []
  readonly #paths = new Map<string, OriginPathStats>()
  /** What was sent of each request. */
  #answers = new WeakMap<OriginRequest, OriginAnswer>()
  #connections = 0

  connected(): void {
    this.#connections++
  }

  /** A request has come in. @returns the counts of its path, this request included; they go on counting */
  add(request: OriginRequest): Readonly<OriginPathStats> {
    if (this.#requests.length < MOST_REQUESTS_KEPT) this.#requests.push(request)
    const stats = this.#of(request.path)
    stats.requests++
    if (request.range !== null) stats.rangeRequests++
    if (request.method === 'HEAD') stats.headRequests++
    return stats
  }

  /** Content bytes were handed to the connection of a request. */
  sent(request: OriginRequest, bytes: number): void {
    const now = Date.now()
    const stats = this.#of(request.path)
    request.contentBytes += bytes
    stats.contentBytes += bytes
    stats.firstByteAt ??= now
    stats.lastByteAt = now
    const begun = this.#answers.get(request)
    if (begun) {
      begun.contentBytes += bytes
      begun.lastByteAt = now
    } else if (stats.answers.length < MOST_ANSWERS_KEPT) {
      const answer = { contentBytes: bytes, firstByteAt: now, lastByteAt: now }
      this.#answers.set(request, answer)
      stats.answers.push(answer)
    }
  }

  /** Of one path, or in total. */
  contentBytes(path?: string): number {
    if (path !== undefined) return this.#paths.get(path)?.contentBytes ?? 0
    return this.#sum((stats) => stats.contentBytes)
  }

  /** Oldest first: of one path, or all. */
  requests(path?: string): OriginRequest[] {
    return path === undefined ? [...this.#requests] : this.#requests.filter((request) => request.path === path)
  }

  stats(): OriginStats {
    return {
      contentBytes: this.contentBytes(),
      requests: this.#sum((p) => p.requests),
      rangeRequests: this.#sum((p) => p.rangeRequests),
      headRequests: this.#sum((p) => p.headRequests),
      connections: this.#connections,
      paths: Object.fromEntries(this.#paths)
    }
  }

  reset(): void {
    this.#requests = []
    this.#answers = new WeakMap()
    this.#paths.clear()
    this.#connections = 0
  }

  #sum(pick: (stats: OriginPathStats) => number): number {
    let sum = 0
    for (const stats of this.#paths.values()) sum += pick(stats)
    return sum
  }

  #of(path: string): OriginPathStats {
    let stats = this.#paths.get(path)
    if (!stats)
      this.#paths.set(
        path,
        (stats = {
          contentBytes: 0,
          requests: 0,
          rangeRequests: 0,
          headRequests: 0,
          firstByteAt: null,
          lastByteAt: null,
          answers: []
        })
      )
    return stats
  }
}
