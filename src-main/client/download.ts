import type { Sha256Hex } from '../contract/ids.ts'
import { RequestSpec, type ReasonCode, type RequestSpecInput } from '../contract/request.ts'
import { systemClock, type Clock } from '../lib/clock.ts'
import { hasCode, LarderError } from '../lib/errors.ts'
import { absoluteUrl, hasScheme, unquoted } from '../origin/background-channel.ts'
import { parseIntegrity } from '../origin/integrity.ts'
import { normaliseUrl } from '../origin/url.ts'
import { resolveDestination } from '../placing/destination.ts'
import { downloadByAgent } from './agent-download.ts'
import { AgentHttp } from './agent-http.ts'
import { AgentConnection } from './connection.ts'
import { findAgent, nobody, type Detection, type DetectedAgent } from './detect.ts'
import type { DownloadOptions, DownloadProgress, DownloadResult, DownloadSpec } from './download-types.ts'
import { fileNameFromUrl } from './file-name.ts'
import { FileSink, MemorySink } from './sink.ts'
import { ofTheDestination, takeContent } from './take-content.ts'

const DEFAULT_FALLBACK_MS = 60_000
const DEFAULT_MAX_MEMORY = 64 * 1024 * 1024

/**
 * Downloads a URL through the agent of this PC, or directly where there is none, it is not supported, its integration is
 * off, or it does not deliver. The destination is the complete new file or as it was before.
 *
 * `spec.timeoutMs` limits everything together. @throws LarderError: TIMEOUT, CANCELLED (by `signal`), URL_INVALID,
 * DIGEST_MISMATCH, DESTINATION_…, DISK_FULL, ORIGIN_…, …
 */
export async function download(spec: DownloadSpec, options: DownloadOptions = {}): Promise<DownloadResult> {
  const { clock = systemClock } = options
  const limit = new AbortController()
  const cancel = () => limit.abort(new LarderError('CANCELLED', 'The download was cancelled'))
  if (options.signal?.aborted) cancel()
  options.signal?.addEventListener('abort', cancel, { once: true })
  const timer =
    spec.timeoutMs === undefined
      ? undefined
      : clock.after(spec.timeoutMs, () =>
          limit.abort(
            new LarderError('TIMEOUT', `The download was not finished within ${spec.timeoutMs} ms`, {
              timeoutMs: spec.timeoutMs
            })
          )
        )
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
    this.#spec = { ...parsed.data, url: unquoted(parsed.data.url) }
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
    const path =
      this.#given === undefined
        ? null
        : await resolveDestination(this.#given, {
            overwrite: this.#spec.overwrite,
            nameInFolder: fileNameFromUrl(named),
            relativeTo: process.cwd()
          })
    const found = this.#options.agent === false ? nobody(this.#options) : await findAgent(this.#options)
    this.#signal.throwIfAborted()
    const own = (reason: ReasonCode | null, unserved: boolean) =>
      this.#withoutAgent({ relative, named, path, expected, found, reason, unserved })
    if (this.#options.agent === false) return own(null, false)

    // Others are served by it, so there is no crowd to spread.
    if (found.detection.state === 'busy') {
      this.#tell({ phase: 'fallback', reason: 'busy', why: found.detection.why })
      return own('busy', false)
    }
    if (found.detection.state !== 'supported' || !found.address) return own(reasonOf(found.detection), true)
    const agent = new AgentConnection(
      new AgentHttp(found.address, this.#options.program),
      found.detection,
      found.address.machine === true
    )
    const outcome = await this.#ask(agent, path)
    if ('lengthBytes' in outcome) return outcome
    // Turned off between the two questions: as if it had been off before.
    if (outcome.reason === 'integration-off') return own(outcome.reason, true)
    this.#tell({ phase: 'fallback', reason: outcome.reason, why: outcome.why })
    return own(outcome.reason, false)
  }

  async #ask(
    agent: AgentConnection,
    path: string | null
  ): Promise<DownloadResult | { reason: ReasonCode; why: string }> {
    const { timeoutMs } = this.#spec
    // What the agent keeps for all users, this program puts where this user wants it.
    const fetches = path === null || agent.machine
    const spec: RequestSpecInput = { ...this.#spec, ...(!fetches && { destination: path }) }
    if (timeoutMs !== undefined) spec.timeoutMs = Math.max(100, Math.ceil(timeoutMs - this.#elapsedMs()))
    const outcome = await downloadByAgent({
      agent,
      spec,
      fallbackMs: this.#options.fallbackMs ?? DEFAULT_FALLBACK_MS,
      clock: this.#clock,
      signal: this.#signal,
      onProgress: (request) => this.#tell({ phase: 'agent', request })
    }).catch((error: unknown) => {
      // An agent keeps nothing of a private content to hand over; this program can hold it itself.
      if (!fetches || !hasCode(error, 'DESTINATION_INVALID')) throw error
      const { details, message } = error as LarderError
      if (details['private'] !== true) throw error
      return { result: 'fallback', reason: 'private', error: { message } } as const
    })
    if (outcome.result === 'fallback') return { reason: outcome.reason, why: outcome.error.message }
    const { view } = outcome
    const { sha256, lengthBytes } = view
    if (sha256 === null || lengthBytes === null)
      return { reason: 'no-progress', why: 'The agent does not say what it has delivered' }
    let data: Buffer | null = null
    if (fetches) {
      const sink =
        path === null
          ? new MemorySink(this.#maxMemory)
          : new FileSink(path, { overwrite: this.#spec.overwrite, clock: this.#clock })
      try {
        await takeContent(agent, view, { sha256, lengthBytes }, sink, this.#signal)
      } catch (error) {
        if (this.#signal.aborted || hasCode(error, ...ofTheDestination)) throw error
        return { reason: view.reasons.at(-1)?.code ?? 'not-shareable', why: LarderError.from(error).message }
      }
      if (sink instanceof MemorySink) data = sink.data
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

  async #withoutAgent(how: WithoutAgent): Promise<DownloadResult> {
    const { relative, named, path, expected, found, unserved } = how
    // Loaded only here: most downloads go through the agent and start faster without it.
    const { downloadWithoutAgent } = await import('./without-agent.ts')
    const { ownSettings } = await import('./own-settings.ts')
    const settings = ownSettings(found.paths, this.#options.policyFile)
    const { enabled, defaultStaggerRangeSeconds } = settings.integration
    const reason = how.reason === 'agent-absent' && !enabled ? 'integration-off' : how.reason
    const delivered = await downloadWithoutAgent({
      url: relative ? absoluteUrl(this.#spec.url, settings.backgroundChannel.url) : named,
      spec: this.#spec,
      expected,
      path,
      maxMemoryBytes: this.#maxMemory,
      reason,
      unserved,
      dataDir: found.paths.root,
      settings,
      staggerRangeSeconds:
        this.#options.staggerRangeSeconds ?? found.detection.defaultStaggerRangeSeconds ?? defaultStaggerRangeSeconds,
      clock: this.#clock,
      signal: this.#signal,
      options: this.#options
    })
    return { ...delivered, reason, path, request: null, elapsedMs: this.#elapsedMs() }
  }

  #tell(progress: DownloadProgress): void {
    this.#options.onProgress?.(progress)
  }

  #elapsedMs(): number {
    return Math.round(this.#clock.monotonicMs() - this.#startMs)
  }
}

/** What is known when the agent is not to deliver. */
interface WithoutAgent {
  readonly relative: boolean
  /** The URL; a relative one only in a form of which a name can be made. */
  readonly named: string
  readonly path: string | null
  readonly expected: Sha256Hex | null
  readonly found: DetectedAgent
  readonly reason: ReasonCode | null
  readonly unserved: boolean
}

function reasonOf({ state }: Detection): ReasonCode {
  return state === 'integration-off' ? state : state === 'unsupported' ? 'agent-unsupported' : 'agent-absent'
}

/** A relative URL in a form of which a file name can be made. @throws URL_INVALID */
function nameableUrl(text: string): string {
  if (text.startsWith('//') || !URL.canParse(text, 'http://download/'))
    throw new LarderError('URL_INVALID', `${text.slice(0, 200)} is not a URL`)
  return new URL(text, 'http://download/').href
}
