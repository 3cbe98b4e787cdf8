import { Settings } from '../../src-main/contract/settings.ts'
import { hasCode, LarderError } from '../../src-main/lib/errors.ts'
import type { AskHop } from '../../src-main/origin/exchange.ts'
import { createOriginClient } from '../../src-main/origin/origin-client.ts'
import type { OriginClient, OriginVersion } from '../../src-main/origin/origin.ts'
import { SeededRandom } from '../../src-main/testing/mutate.ts'
import { isExpected } from '../fuzz-targets.ts'
import { HurriedClock } from './hurried-clock.ts'
import { makePool, ScriptedServer } from './scripted-server.ts'

/** A request has to end within this, however the server behaves: retries, silences and waits that the server asked for, all together. */
const LIMIT_MS = 20 * 60_000
/** More questions than this for one file are a loop. */
const MOST_ANSWERS = 120
/** Times a request asks again because the file is another one by now. */
const MOST_CHANGES = 2
/** What lies unread in buffers when an answer is ended is as much as two of the lots it comes in. */
const LOTS_UNDER_WAY = 2
/** Up to here an answer nobody wants is read to its end, to keep the connection. */
const DRAINED_BYTES = 16 * 1024

export interface ScriptResult {
  readonly answers: number
  /** Delivered, or the code it ended with. */
  readonly ended: string
  /** Body bytes taken from the server ÷ its content; null for contents too small to tell. */
  readonly times: number | null
  readonly problem: string | null
}

/** Plays downloads from servers of a random sort, one after the other, through the whole way to origins but its sockets. */
export class OriginScripts {
  readonly #clock = new HurriedClock()
  readonly #pool = makePool(new SeededRandom(1))
  readonly #client: OriginClient
  #server: ScriptedServer | null = null
  #played = 0
  #window: number | null = null

  constructor() {
    const askHop: AskHop = (ask, hop) => this.#server!.askHop(ask, hop)
    const window = () => ({ bytes: this.#window, received() {}, release() {} })
    this.#client = createOriginClient({
      clock: this.#clock,
      settings: Settings.parse({ origin: { trustLoopback: true } }).origin,
      env: {},
      userAgent: 'larder/fuzz',
      random: () => 0.5,
      askHop,
      rates: { pace: () => () => undefined, window: () => (this.#window === null ? undefined : window()) }
    })
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  /** @param seed of this one script; the same seed plays the same again, in a run of its own */
  async play(seed: number, tell: ((line: string) => void) | null = null): Promise<ScriptResult> {
    const random = new SeededRandom(seed)
    const server = (this.#server = new ScriptedServer(random, this.#pool))
    server.tell = tell
    tell?.(JSON.stringify(server.habits))
    this.#window = random.below(6) === 0 ? 64 * 1024 : null
    // A host of its own each time: what was learned about one server says nothing of the next.
    const url = `http://s${seed}-${this.#played++}.test/a`
    const beganMs = this.#clock.monotonicMs()
    const work = this.#download(url, random)
    let settled = false
    const ended = work.then(
      (bytes): { bytes: Buffer } | { error: unknown } => ({ bytes }),
      (error: unknown) => ({ error })
    )
    void ended.then(() => (settled = true))
    const coded = server.habits.coding !== 'none'
    let problem: string | null = null
    while (!settled && problem === null) {
      // Whatever needs no time comes first.
      for (let turns = 0; turns < 3 && !settled; turns++) await new Promise((resolve) => setImmediate(resolve))
      if (coded && !settled) await quiet(() => [server.answers, server.sentBytes, settled].join())
      if (settled) break
      if (!this.#clock.hurry()) problem = 'waits for nothing'
      if (this.#clock.monotonicMs() - beganMs > LIMIT_MS) problem = 'does not end'
      if (server.answers > MOST_ANSWERS) problem = `asks ${server.answers} times`
    }
    const result = problem === null ? await ended : { error: null }
    const base = { answers: server.answers, times: timesOf(server) }
    if (problem !== null) return { ...base, ended: 'never', problem }
    if ('error' in result) {
      const { error } = result
      const code = error instanceof LarderError ? error.code : 'thrown'
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
      return { ...base, ended: code, problem: isExpected(error) ? this.#tooMuch(server) : text }
    }
    const wrong = server.isHonest && !server.isRight(result.bytes) ? `wrong bytes (${result.bytes.length})` : null
    return { ...base, ended: 'delivered', problem: wrong ?? this.#tooMuch(server) }
  }

  #tooMuch(server: ScriptedServer): string | null {
    const { contentBytes, sentBytes, answers, chunkBytes, habits } = server
    const changed = habits.changesAfter > 0
    const small = contentBytes <= DRAINED_BYTES ? answers * contentBytes : 0
    const most = 2 * contentBytes * (changed ? 1 + MOST_CHANGES : 1) + answers * LOTS_UNDER_WAY * chunkBytes + small
    return sentBytes <= most ? null : `took ${sentBytes} bytes for ${contentBytes}`
  }

  /** As a request does it: asks for the version, then for its bytes, and again where the file is another one meanwhile. */
  async #download(url: string, random: SeededRandom): Promise<Buffer> {
    for (let changes = 0; ; changes++) {
      const answer = await this.#client.probe(url, { whole: random.below(3) === 0 ? 1 : 0 })
      if (answer.status !== 'version') throw new Error('unchanged, though nothing is kept')
      try {
        return await this.#read(answer.version, random)
      } catch (error) {
        if (!hasCode(error, 'ORIGIN_CHANGED') || changes === MOST_CHANGES) throw error
      }
    }
  }

  async #read(version: OriginVersion, random: SeededRandom): Promise<Buffer> {
    const chunks: Buffer[] = []
    const body = await this.#client.open(
      version,
      { start: 0, end: version.lengthBytes },
      {
        priority: random.below(2) === 0 ? 'background' : 'foreground'
      }
    )
    try {
      for await (const chunk of body) chunks.push(chunk)
    } finally {
      body.destroy()
    }
    const bytes = Buffer.concat(chunks)
    if (version.lengthBytes !== null && bytes.length !== version.lengthBytes)
      throw new LarderError('ORIGIN_PROTOCOL', 'The origin announced another length', {})
    return bytes
  }
}

/** Until nothing has changed for a while: a coding is taken off by another thread, in real time. */
async function quiet(state: () => string): Promise<void> {
  for (let before = state(), still = 0; still < 10;) {
    await new Promise((resolve) => setTimeout(resolve, 1))
    still = state() === before ? still + 1 : 0
    before = state()
  }
}

function timesOf({ contentBytes, sentBytes }: ScriptedServer): number | null {
  return contentBytes <= DRAINED_BYTES ? null : sentBytes / contentBytes
}
