import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { failureOf } from '../../src-main/origin/failures.ts'
import type { Ask, AskHop, Hop, HopAnswer } from '../../src-main/origin/exchange.ts'
import { cancelled } from '../../src-main/origin/exchange.ts'
import { LarderError } from '../../src-main/lib/errors.ts'
import { mutateBytes, type SeededRandom } from '../../src-main/testing/mutate.ts'

/** Some lengths at which rules change: none, one byte, what is drained, a piece's part that counts as progress, more. */
const LENGTHS = [0, 1, 2, 9, 100, 700, 700, 3000, 17_000, 40_000, 70_000, 200_000]
const POOL = 64
const DATES = ['Mon, 01 Jan 2024 00:00:00 GMT', 'Tue, 02 Jan 2024 00:00:00 GMT', 'Wed, 03 Jan 2024 00:00:00 GMT']
/** Later than every date above. */
const NOW = 'Thu, 01 Jan 2026 00:00:00 GMT'

interface Content {
  readonly bytes: Buffer
  readonly packed: Buffer
}

/** Bodies made once: what a server says of them is what is random. */
export function makePool(random: SeededRandom): readonly Content[] {
  return Array.from({ length: POOL }, (_, i) => {
    const bytes = Buffer.alloc(LENGTHS[i % LENGTHS.length]!)
    for (let at = 0; at < bytes.length; at++) bytes[at] = random.next() & (i % 3 === 0 ? 0xff : 0x0f)
    return { bytes, packed: gzipSync(bytes, { level: 1 }) }
  })
}

type HeadHabit = 'answers' | 'refuses' | 'resets' | 'hangs' | 'no-length' | 'zero'
type TagHabit = 'strong' | 'weak' | 'none' | 'per-answer' | 'alternating'
type Coding = 'none' | 'odd' | 'gzip' | 'gzip-lie'

/** What a server does always. */
interface Habits {
  readonly head: HeadHabit
  readonly tags: TagHabit
  readonly dated: boolean
  readonly clock: boolean
  readonly ranges: 'yes' | 'no' | 'other' | 'clipped'
  readonly heedsIfRange: boolean
  readonly length: 'said' | 'chunked' | 'until-close' | 'short' | 'long'
  readonly coding: Coding
  /** In 16ths: an answer is damaged in one of its fields. */
  readonly mutates: number
  /** In 16ths: an answer breaks off, ends early or falls silent. */
  readonly cuts: number
  /** In 16ths: an answer has a status that is none of a content. */
  readonly fails: number
  /** The file is another one after this many answers; 0: never. */
  readonly changesAfter: number
  readonly redirects: 'no' | 'to-path' | 'to-host' | 'in-circle' | 'expiring' | 'nowhere'
}

function habitsOf(random: SeededRandom): Habits {
  const some = (sixteenths: number) => random.below(16) < sixteenths
  return {
    head: some(9) ? 'answers' : random.of(['refuses', 'resets', 'hangs', 'no-length', 'zero']),
    tags: some(8) ? 'strong' : random.of(['weak', 'none', 'per-answer', 'alternating']),
    dated: some(11),
    clock: some(14),
    ranges: some(10) ? 'yes' : random.of(['no', 'other', 'clipped']),
    heedsIfRange: some(12),
    length: some(11) ? 'said' : random.of(['chunked', 'until-close', 'short', 'long']),
    coding: random.below(24) > 0 ? 'none' : random.of(['odd', 'gzip', 'gzip-lie']),
    mutates: random.of([0, 0, 0, 1, 4]),
    cuts: random.of([0, 0, 1, 4, 10]),
    fails: random.of([0, 0, 0, 2, 6]),
    changesAfter: random.of([0, 0, 0, 2, 3, 5]),
    redirects: some(12) ? 'no' : random.of(['to-path', 'to-host', 'in-circle', 'expiring', 'nowhere'])
  }
}

const NOT_TODAY = Buffer.from('not today')
const STATUSES = [
  400, 401, 403, 404, 407, 408, 410, 412, 416, 429, 429, 500, 502, 503, 503, 504, 204, 299, 300, 304, 418
]

/** A server of a random sort, asked without sockets. Remembers what it sent and what a plain client would have saved. */
export class ScriptedServer {
  readonly habits: Habits
  answers = 0
  /** Body bytes that were taken from it. */
  sentBytes = 0
  /** The most that one answer hands out at a time. */
  readonly chunkBytes: number
  /** Hears what is asked and answered. */
  tell: ((line: string) => void) | null = null
  readonly #random: SeededRandom
  readonly #versions: readonly Content[]
  /** What curl would have saved with exit code 0, and every version whole. */
  readonly #right = new Set<Buffer>()
  #redirected = 0

  constructor(random: SeededRandom, pool: readonly Content[]) {
    this.#random = random
    this.habits = habitsOf(random)
    const first = random.below(POOL)
    // The same length in half of the cases: that is what is hard to see.
    const second = (first + (random.below(2) === 0 ? LENGTHS.length : 1)) % POOL
    this.#versions = [pool[first]!, pool[second]!]
    for (const { bytes, packed } of this.habits.changesAfter === 0 ? [pool[first]!] : this.#versions) {
      this.#right.add(bytes)
      if (this.habits.coding === 'gzip') this.#right.add(packed)
      // It says so each time: that is what curl takes for all of it.
      if (this.habits.length === 'short') this.#right.add(bytes.subarray(0, bytes.length >> 1))
    }
    this.chunkBytes = Math.max(1, this.current.bytes.length >> 3)
  }

  get current(): Content {
    return this.#versions[this.#version]!
  }

  /** Bytes of the longest content it has had. */
  get contentBytes(): number {
    const wire = ({ bytes, packed }: Content) => (this.habits.coding === 'gzip' ? packed : bytes).length
    return Math.max(...this.#versions.slice(0, this.habits.changesAfter === 0 ? 1 : 2).map(wire))
  }

  /**
   * What it says of its versions holds: two that differ are told apart by what it says. Nobody can be right about a server that
   * lies about that.
   */
  get isHonest(): boolean {
    const { tags, dated, changesAfter, mutates, heedsIfRange, clock } = this.habits
    if (mutates > 0) return changesAfter === 0
    if (changesAfter === 0) return true
    const told = tags === 'strong' || (tags === 'none' && dated && clock)
    return told && heedsIfRange
  }

  get #version(): 0 | 1 {
    return this.habits.changesAfter > 0 && this.answers > this.habits.changesAfter ? 1 : 0
  }

  isRight(bytes: Buffer): boolean {
    for (const right of this.#right) if (right.equals(bytes)) return true
    return false
  }

  readonly askHop: AskHop = async (ask, hop) => {
    this.tell?.(`${ask.method} ${hop.url} ${JSON.stringify(ask.own)}`)
    this.answers++
    const random = this.#random
    const { habits } = this
    if (ask.signal?.aborted) throw cancelled(ask.signal)
    const moved = this.#redirect(ask, hop)
    if (moved) return moved
    if (random.below(16) < habits.fails) return this.#refusal(ask, hop)
    if (ask.method === 'HEAD') {
      if (habits.head === 'refuses') return this.#answer(ask, hop, random.of([403, 404, 405, 500]), {}, null)
      if (habits.head === 'resets') throw failureOf(Object.assign(new Error(), { code: 'ECONNRESET' }), 'h')
      if (habits.head === 'hangs') throw new LarderError('ORIGIN_STALLED', 'h did not answer in time.', { host: 'h' })
    }
    return this.#content(ask, hop)
  }

  #redirect(ask: Ask, hop: Hop): HopAnswer | null {
    const { redirects } = this.habits
    const { pathname, origin, hostname } = new URL(hop.url)
    const to = (location: string) => this.#answer(ask, hop, 302, { location, 'content-length': '0' }, null)
    if (pathname === '/there') {
      const expired = redirects === 'expiring' && Number(new URL(hop.url).searchParams.get('t')) < this.#redirected
      return expired ? this.#answer(ask, hop, 403, { 'content-length': '0' }, null) : null
    }
    switch (redirects) {
      case 'no':
        return null
      case 'to-path':
        return to('/there')
      case 'to-host':
        return to(`http://b.${hostname}/there`)
      case 'in-circle':
        return to(pathname === '/a' ? '/b' : '/a')
      case 'nowhere':
        return to(
          mutateBytes(Buffer.from(`${origin}/there`), Buffer.from('ftp://[::'), this.#random).toString('latin1')
        )
      case 'expiring':
        if (this.#random.below(3) === 0) this.#redirected = this.answers
        return to(`/there?t=${this.#redirected}`)
    }
  }

  #refusal(ask: Ask, hop: Hop): HopAnswer {
    const random = this.#random
    const later = random.of<Record<string, string>>([
      {},
      {},
      { 'retry-after': '7' },
      { 'retry-after': '99999' },
      { 'retry-after': NOW }
    ])
    return this.#answer(ask, hop, random.of(STATUSES), { 'content-length': '9', ...later }, NOT_TODAY)
  }

  #content(ask: Ask, hop: Hop): HopAnswer {
    const { habits } = this
    const random = this.#random
    const whole = habits.coding === 'gzip' ? this.current.packed : this.current.bytes
    const asked = ask.own ?? {}
    const fields: Record<string, string> = {}
    const n = this.#version
    const etag =
      habits.tags === 'strong'
        ? `"v${n}"`
        : habits.tags === 'weak'
          ? `W/"v${n}"`
          : habits.tags === 'per-answer'
            ? `"v${n}-${this.answers}"`
            : habits.tags === 'alternating'
              ? `"v${n}-${random.below(2)}"`
              : undefined
    const date = habits.dated ? DATES[n]! : undefined
    if (etag !== undefined) fields['etag'] = etag
    if (date !== undefined) fields['last-modified'] = date
    if (habits.clock) fields['date'] = NOW
    if (habits.coding !== 'none') fields['content-encoding'] = habits.coding === 'odd' ? 'utf-8' : 'gzip'
    if (asked['if-none-match'] !== undefined && asked['if-none-match'] === etag)
      return this.#answer(ask, hop, 304, fields, null)
    if (asked['if-none-match'] === undefined && date !== undefined && asked['if-modified-since'] === date)
      return this.#answer(ask, hop, 304, fields, null)
    if (habits.ranges !== 'no') fields['accept-ranges'] = 'bytes'

    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(asked['range'] ?? '') ?? []
    const condition = asked['if-range']
    const holds = condition === undefined || !habits.heedsIfRange || condition === etag || condition === date
    if (from !== undefined && habits.ranges !== 'no' && holds && ask.method === 'GET') {
      let first = Number(from)
      let end = to === '' || to === undefined ? whole.length : Math.min(whole.length, Number(to) + 1)
      if (first >= whole.length)
        return this.#answer(
          ask,
          hop,
          416,
          { ...fields, 'content-range': `bytes */${whole.length}`, 'content-length': '0' },
          null
        )
      if (habits.ranges === 'other') [first, end] = [0, Math.min(10, whole.length)]
      if (habits.ranges === 'clipped') end = Math.min(end, first + Math.max(1, whole.length >> 2))
      fields['content-range'] = `bytes ${first}-${end - 1}/${whole.length}`
      if (habits.length === 'said') fields['content-length'] = String(end - first)
      return this.#damaged(ask, hop, 206, fields, whole.subarray(first, end))
    }
    if (habits.length === 'chunked') fields['transfer-encoding'] = 'chunked'
    else if (habits.length !== 'until-close') {
      const said = habits.length === 'short' ? whole.length >> 1 : whole.length + (habits.length === 'long' ? 5 : 0)
      fields['content-length'] = String(said)
    }
    if (ask.method === 'HEAD') {
      if (habits.head === 'no-length') delete fields['content-length']
      if (habits.head === 'zero') fields['content-length'] = '0'
    }
    return this.#damaged(ask, hop, random.below(40) === 0 ? 203 : 200, fields, whole)
  }

  /** One field of some answers is almost what it was. */
  #damaged(ask: Ask, hop: Hop, status: number, fields: Record<string, string>, body: Buffer): HopAnswer {
    const random = this.#random
    if (random.below(16) < this.habits.mutates) {
      const name = random.of(Object.keys(fields).filter((field) => field !== 'transfer-encoding'))
      if (name !== undefined) {
        const text = mutateBytes(Buffer.from(fields[name]!), Buffer.from(random.of(Object.values(fields))), random)
        fields[name] = text
          .toString('latin1')
          .replaceAll(/[\0\r\n]/g, ' ')
          .trim()
      }
    }
    return this.#answer(ask, hop, status, fields, body)
  }

  /** What the parser of Node makes of it: a body as long as it was said to be, or an error. */
  #answer(ask: Ask, hop: Hop, status: number, headers: Record<string, string>, body: Buffer | null): HopAnswer {
    const random = this.#random
    const said = headers['content-length']
    if (said !== undefined && !/^\d+$/.test(said)) {
      const problem = Object.assign(new Error(), { code: 'HPE_INVALID_CONTENT_LENGTH' })
      throw failureOf(problem, 'h')
    }
    const isChunked = headers['transfer-encoding'] !== undefined
    const promised = isChunked || said === undefined ? null : Number(said)
    const full = ask.method === 'HEAD' || body === null ? Buffer.alloc(0) : body
    let given = promised === null ? full : full.subarray(0, promised)
    let end: 'well' | 'reset' | 'early' | 'silent' = promised !== null && promised > full.length ? 'early' : 'well'
    if (given.length > 0 && random.below(16) < this.habits.cuts) {
      given = given.subarray(0, random.below(given.length))
      end = random.of(['reset', 'early', 'silent'])
    }
    if (ask.method === 'HEAD' || status === 304 || status === 204) end = 'well'
    // A body without a length ends when the connection does: a client cannot see that it is cut.
    const seesEnd = isChunked || promised !== null
    if ([200, 203].includes(status) && ask.method === 'GET' && (end === 'well' || (end === 'early' && !seesEnd)))
      this.#right.add(given)
    this.tell?.(`  ${status} ${JSON.stringify(headers)} ${given.length} bytes, ends ${end}`)
    const answer: HopAnswer = {
      status,
      headers,
      url: hop.url,
      method: ask.method,
      local: false,
      body: this.#stream(given, end === 'early' && !seesEnd ? 'well' : end, body === NOT_TODAY),
      doubtfulLength: false,
      answeredBy: { address: null, localAddress: null, issuer: null }
    }
    return answer
  }

  #stream(bytes: Buffer, end: 'well' | 'reset' | 'early' | 'silent', isRefusal: boolean): Readable {
    let at = 0
    const step = this.chunkBytes
    const count = (sent: number) => void (isRefusal || (this.sentBytes += sent))
    return new Readable({
      highWaterMark: 1,
      read() {
        if (at < bytes.length) {
          const chunk = bytes.subarray(at, at + step)
          at += chunk.length
          count(chunk.length)
          return void this.push(chunk)
        }
        if (end === 'well') return void this.push(null)
        if (end === 'silent') return
        this.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }))
      }
    }).on('error', () => {})
  }
}
