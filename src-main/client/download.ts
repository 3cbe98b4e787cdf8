import { createHash } from 'node:crypto'
import type { Sha256Hex } from '../contract/ids.ts'
import { RequestSpec, type ReasonCode, type RequestSpecInput, type RequestView, type SourceSplit } from '../contract/request.ts'
import type { Settings } from '../contract/settings.ts'
import { sleep, systemClock, type Clock } from '../lib/clock.ts'
import { hasCode, LarderError } from '../lib/errors.ts'
import { wishOf } from '../origin/certificate-choice.ts'
import { parseIntegrity } from '../origin/integrity.ts'
import { normaliseUrl } from '../origin/url.ts'
import { downloadByAgent } from './agent-download.ts'
import { AgentHttp } from './agent-http.ts'
import { AgentConnection } from './connection.ts'
import { resolveDestination } from './destination.ts'
import { findAgent, nobody, type DetectOptions, type DetectedAgent } from './detect.ts'
import type { DirectProgress } from './direct.ts'
import { readLocalSettings } from './local-files.ts'
import { FileSink, MemorySink, tooLong } from './sink.ts'

/** What to download. As a request to the agent, but the destination may be relative and a folder. */
export interface DownloadSpec extends Omit<RequestSpecInput, 'destination'> {
  /** File, or existing folder (the name is then made from the URL). Absent: the bytes come in the result. */
  readonly destination?: string
}

/** What a download is doing. `agent` and `direct` come at most ten times a second. */
export type DownloadProgress =
  | { readonly phase: 'agent'; readonly request: RequestView }
  /** A random wait before a direct download, so that not all PCs start at once. */
  | { readonly phase: 'stagger'; readonly reason: ReasonCode; readonly waitMs: number }
  /** The agent was asked and did not deliver. */
  | { readonly phase: 'fallback'; readonly reason: ReasonCode; readonly why: string }
  | ({ readonly phase: 'direct' } & DirectProgress)

export interface DownloadOptions extends DetectOptions {
  /** Ends the download; nothing is left behind. */
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: DownloadProgress) => void
  /** The agent is given up and the origin asked directly when nothing moves for so long, ms; 60 s by default. */
  readonly fallbackMs?: number
  /** False: no random wait before a direct download. */
  readonly stagger?: boolean
  /** Longest such wait, seconds; by default the setting `integration.defaultStaggerRangeSeconds` of this PC. */
  readonly staggerRangeSeconds?: number
  /** False: downloads directly and at once, without looking for an agent. */
  readonly agent?: boolean
  /** Longest content without destination, bytes; 64 MiB by default. */
  readonly maxMemoryBytes?: number
  readonly clock?: Clock
  /** In [0, 1). */
  readonly random?: () => number
  /** For proxies of direct downloads. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

export interface DownloadResult {
  readonly source: 'agent' | 'direct'
  /** Why it did not come from peers, or not through the agent; null when there is nothing to say. */
  readonly reason: ReasonCode | null
  /** The file; null when the bytes are in `data`. */
  readonly path: string | null
  readonly data: Buffer | null
  readonly lengthBytes: number
  readonly sha256: Sha256Hex
  readonly split: SourceSplit
  /** Delivered without the origin's word that it is the latest version. */
  readonly stale: boolean
  /** The request at the agent as it ended; null for direct downloads. */
  readonly request: RequestView | null
  /** Random wait before a direct download, ms. */
  readonly waitedMs: number
  readonly elapsedMs: number
}

const DEFAULT_FALLBACK_MS = 60_000
const DEFAULT_MAX_MEMORY = 64 * 1024 * 1024

/**
 * Downloads a URL through the agent of this PC, or directly where there is none, it is not supported, its integration is
 * off, or it does not deliver. The destination is the complete new file or as it was before.
 *
 * `spec.timeoutMs` limits everything together. @throws LarderError: TIMEOUT, CANCELLED (by `signal`), URL_INVALID,
 * DIGEST_MISMATCH, DESTINATION_INVALID, DESTINATION_UNWRITABLE, DISK_FULL, ORIGIN_…, …
 */
export async function download(spec: DownloadSpec, options: DownloadOptions = {}): Promise<DownloadResult> {
  const { clock = systemClock } = options
  const limit = new AbortController()
  const cancel = () => limit.abort(new LarderError('CANCELLED', 'The download was cancelled'))
  if (options.signal?.aborted) cancel()
  options.signal?.addEventListener('abort', cancel, { once: true })
  const timer = spec.timeoutMs === undefined ? undefined : clock.after(spec.timeoutMs, () => limit.abort(new LarderError('TIMEOUT', `The download was not finished within ${spec.timeoutMs} ms`, { timeoutMs: spec.timeoutMs })))
  // The clock's timers let the process end; a running download must not.
  const alive = setInterval(() => {}, 2 ** 30)
  try {
    return await new Download(spec, options, clock, limit.signal).run()
  } catch (error) {
    throw limit.signal.aborted ? limit.signal.reason : error
  } finally {
    clearInterval(alive)
    timer?.cancel()
    options.signal?.removeEventListener('abort', cancel)
  }
}

/** One call of {@link download}. */
class Download {
  readonly #spec: RequestSpec
  readonly #options: DownloadOptions
  readonly #clock: Clock
  readonly #signal: AbortSignal
  readonly #startMs: number
  readonly #maxMemory: number
  /** The destination as the caller gave it. */
  readonly #given: string | undefined

  constructor(spec: DownloadSpec, options: DownloadOptions, clock: Clock, signal: AbortSignal) {
    const { destination, ...rest } = spec
    const parsed = RequestSpec.safeParse(rest)
    if (!parsed.success) {
      const field = parsed.error.issues[0]?.path.join('.') ?? ''
      throw new LarderError('BAD_REQUEST', `${field}: ${parsed.error.issues[0]?.message ?? 'invalid'}`, { field })
    }
    this.#spec = parsed.data
    this.#given = destination
    this.#options = options
    this.#clock = clock
    this.#signal = signal
    this.#startMs = clock.monotonicMs()
    this.#maxMemory = options.maxMemoryBytes ?? DEFAULT_MAX_MEMORY
  }

  async run(): Promise<DownloadResult> {
    this.#signal.throwIfAborted()
    const expected = this.#spec.integrity === undefined ? null : parseIntegrity(this.#spec.integrity)
    const relative = !hasScheme(this.#spec.url)
    const named = relative ? nameableUrl(this.#spec.url) : normaliseUrl(this.#spec.url)
    const path = this.#given === undefined ? null : await resolveDestination(this.#given, named, this.#spec.overwrite)
    const found = this.#options.agent === false ? nobody(this.#options) : await findAgent(this.#options)
    this.#signal.throwIfAborted()
    const direct = async (reason: ReasonCode | null, wait: boolean) => {
      const settings = await readLocalSettings(found.paths)
      const url = relative ? absoluteUrl(this.#spec.url, settings) : named
      const waitedMs = wait && reason !== null ? await this.#stagger(found, settings, reason) : 0
      return this.#direct(url, path, expected, settings, reason, waitedMs)
    }
    if (this.#options.agent === false) return direct(null, false)

    const { state } = found.detection
    if (state !== 'supported' || !found.address) return direct(state === 'integration-off' ? state : state === 'unsupported' ? 'agent-unsupported' : 'agent-absent', true)
    const outcome = await this.#ask(new AgentConnection(new AgentHttp(found.address), found.detection), path)
    if ('lengthBytes' in outcome) return outcome
    // Turned off between the two questions: as if it had been off before.
    if (outcome.reason === 'integration-off') return direct(outcome.reason, true)
    this.#tell({ phase: 'fallback', reason: outcome.reason, why: outcome.why })
    return direct(outcome.reason, false)
  }

  async #ask(agent: AgentConnection, path: string | null): Promise<DownloadResult | { reason: ReasonCode; why: string }> {
    const { timeoutMs } = this.#spec
    const spec: RequestSpecInput = { ...this.#spec, ...(path !== null && { destination: path }) }
    if (timeoutMs !== undefined) spec.timeoutMs = Math.max(100, Math.ceil(timeoutMs - this.#elapsedMs()))
    const outcome = await downloadByAgent({
      agent,
      spec,
      fallbackMs: this.#options.fallbackMs ?? DEFAULT_FALLBACK_MS,
      clock: this.#clock,
      signal: this.#signal,
      onProgress: (request) => this.#tell({ phase: 'agent', request })
    })
    if (outcome.result === 'fallback') return { reason: outcome.reason, why: outcome.error.message }
    const { view } = outcome
    const { sha256, lengthBytes } = view
    if (sha256 === null || lengthBytes === null) return { reason: 'no-progress', why: 'The agent does not say what it has delivered' }
    let data: Buffer | null = null
    if (path === null) {
      if (lengthBytes > this.#maxMemory) throw tooLong(this.#maxMemory)
      try {
        data = await this.#fetchContent(agent, view, sha256, lengthBytes)
      } catch (error) {
        if (this.#signal.aborted || hasCode(error, 'BAD_REQUEST')) throw error
        return { reason: view.reasons.at(-1)?.code ?? 'not-shareable', why: LarderError.from(error).message }
      }
    }
    return {
      source: 'agent',
      reason: view.reasons.at(-1)?.code ?? null,
      path,
      data,
      lengthBytes,
      sha256,
      split: view.split,
      stale: view.stale,
      request: view,
      waitedMs: 0,
      elapsedMs: this.#elapsedMs()
    }
  }

  async #fetchContent(agent: AgentConnection, view: RequestView, sha256: Sha256Hex, lengthBytes: number): Promise<Buffer> {
    const sink = new MemorySink(lengthBytes)
    const hash = createHash('sha256')
    for await (const chunk of await agent.content(view.id, { signal: this.#signal })) {
      hash.update(chunk)
      await sink.write(chunk)
    }
    const { data } = sink
    if (data.length !== lengthBytes || hash.digest('hex') !== sha256) throw new LarderError('CACHE_DAMAGED', 'The agent’s bytes are not those it named')
    return data
  }

  async #stagger(found: DetectedAgent, settings: Settings, reason: ReasonCode): Promise<number> {
    if (this.#options.stagger === false) return 0
    const range = this.#options.staggerRangeSeconds ?? found.detection.defaultStaggerRangeSeconds ?? settings.integration.defaultStaggerRangeSeconds
    const waitMs = Math.round((this.#options.random ?? Math.random)() * range * 1000)
    this.#tell({ phase: 'stagger', reason, waitMs })
    await sleep(this.#clock, waitMs, this.#signal)
    return waitMs
  }

  async #direct(url: string, path: string | null, expected: Sha256Hex | null, settings: Settings, reason: ReasonCode | null, waitedMs: number): Promise<DownloadResult> {
    // Loaded only here: most downloads go through the agent and start faster without it.
    const { downloadDirectly } = await import('./direct.ts')
    const sink = path === null ? new MemorySink(this.#maxMemory) : await FileSink.open(path, { overwrite: this.#spec.overwrite, clock: this.#clock })
    const { lengthBytes, sha256 } = await downloadDirectly({
      url,
      headers: this.#spec.headers,
      certificate: wishOf(this.#spec),
      expected,
      settings: settings.origin,
      env: this.#options.env ?? process.env,
      clock: this.#clock,
      signal: this.#signal,
      sink,
      onProgress: (progress) => this.#tell({ phase: 'direct', ...progress })
    })
    return {
      source: 'direct',
      reason,
      path,
      data: sink instanceof MemorySink ? sink.data : null,
      lengthBytes,
      sha256,
      split: { originBytes: lengthBytes, peerBytes: 0, cacheBytes: 0 },
      stale: false,
      request: null,
      waitedMs,
      elapsedMs: this.#elapsedMs()
    }
  }

  #tell(progress: DownloadProgress): void {
    this.#options.onProgress?.(progress)
  }

  #elapsedMs(): number {
    return Math.round(this.#clock.monotonicMs() - this.#startMs)
  }
}

const hasScheme = (text: string): boolean => /^[a-z][a-z0-9+.-]*:/i.test(text)

/** A relative URL against the background channel. @throws URL_INVALID, BACKGROUND_CHANNEL_UNSET */
function absoluteUrl(text: string, settings: Settings): string {
  const shown = text.slice(0, 200)
  const base = settings.backgroundChannel.url
  if (base === null) throw new LarderError('BACKGROUND_CHANNEL_UNSET', `${shown} is relative, and no background channel is set`, { url: shown })
  const folder = base.endsWith('/') ? base : `${base}/`
  if (text.startsWith('//') || !URL.canParse(text, folder)) throw new LarderError('URL_INVALID', `${shown} is not a URL`, { url: shown })
  return normaliseUrl(new URL(text, folder).href)
}

/** A relative URL in a form of which a file name can be made. @throws URL_INVALID */
function nameableUrl(text: string): string {
  if (text.startsWith('//') || !URL.canParse(text, 'http://download/')) throw new LarderError('URL_INVALID', `${text.slice(0, 200)} is not a URL`)
  return new URL(text, 'http://download/').href
}
