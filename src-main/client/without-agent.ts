import type { Sha256Hex } from '../contract/ids.ts'
import type { ReasonCode, RequestSpec } from '../contract/request.ts'
import type { Settings } from '../contract/settings.ts'
import { LARDER_VERSION } from '../contract/version.ts'
import type { Clock } from '../lib/clock.ts'
import { hasCode } from '../lib/errors.ts'
import { mayServeStale } from '../origin/caching.ts'
import { wishOf } from '../origin/certificate-choice.ts'
import { createOriginClient } from '../origin/origin-client.ts'
import { everythingAnyway } from '../origin/private-by-default.ts'
import type { OriginClient, OriginVersion } from '../origin/origin.ts'
import { mayCarryCredentials } from '../origin/request-headers.ts'
import { downloadDirectly } from './direct.ts'
import type { DownloadOptions, DownloadResult, DownloadSource } from './download-types.ts'
import { RetainedContents, type RetainedContent } from './retained.ts'
import { FileSink, MemorySink, RememberingSink, type Sink } from './sink.ts'
import { ofTheDestination } from './take-content.ts'
import { staggerMs, waitOut } from './stagger.ts'

/** A download that this program does itself. */
export interface OwnDownload {
  /** Absolute. */
  readonly url: string
  readonly spec: RequestSpec
  readonly expected: Sha256Hex | null
  /** Null: into memory. */
  readonly path: string | null
  readonly maxMemoryBytes: number
  /** Why it is not the agent's; null: nobody asked it. */
  readonly reason: ReasonCode | null
  /** The agent does not serve programs here: wait before asking the origin, and keep what is worth it. */
  readonly unserved: boolean
  readonly dataDir: string
  readonly settings: Settings
  /** Longest wait, seconds. */
  readonly staggerRangeSeconds: number
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly options: DownloadOptions
}

type Delivered = Pick<DownloadResult, 'source' | 'data' | 'lengthBytes' | 'sha256' | 'split' | 'stale' | 'waitedMs'>

/**
 * Downloads without the agent. Where it does not serve programs, what was kept is used first, and only what has to come from
 * the origin waits a random time:
 *
 *     script in memory? ──► retained resource, unchanged at the origin? ──► stagger ──► origin
 *
 * @throws as `downloadDirectly`
 */
export async function downloadWithoutAgent(job: OwnDownload): Promise<Delivered> {
  const run = new OwnRun(job)
  try {
    return (await run.fromMemory()) ?? (await run.fromRetained()) ?? (await run.fromOrigin())
  } finally {
    await run.close()
  }
}

class OwnRun {
  readonly #job: OwnDownload
  readonly #client: OriginClient
  readonly #retained: RetainedContents
  /** What a download with credentials brought belongs to that request alone. */
  readonly #keeps: boolean
  #kept: RetainedContent | undefined

  constructor(job: OwnDownload) {
    this.#job = job
    const { clock, settings, options, spec } = job
    this.#client = createOriginClient({
      clock,
      settings: settings.origin,
      env: options.env ?? process.env,
      // What this process keeps, it keeps for this user alone.
      sharedAnyway: everythingAnyway,
      userAgent: `larder/${LARDER_VERSION}`,
      alone: true
    })
    this.#retained = new RetainedContents(job.dataDir, clock)
    this.#keeps = job.unserved && !mayCarryCredentials(spec.headers) && !hasUserInfo(job.url)
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  async fromMemory(): Promise<Delivered | undefined> {
    const { options, spec, url, settings, expected } = this.#job
    if (!this.#keeps || spec.kind !== 'script') return undefined
    const script = options.scripts?.find(url, settings.integration.scriptMemoryCacheSeconds * 1000)
    if (!script || (expected !== null && expected !== script.sha256)) return undefined
    const sink = this.#sink()
    await commitIf(sink, async () => {
      await sink.begin(null, script.data.length)
      await sink.write(script.data)
      return true
    })
    return delivered('memory', sink, script.data.length, script.sha256, false)
  }

  /** The retained version, when the origin says that it is the latest. */
  async fromRetained(): Promise<Delivered | undefined> {
    const { spec, url, expected, signal } = this.#job
    if (!this.#keeps || spec.kind !== 'resource') return undefined
    const content = await this.#retained.find(url)
    if (!content || (expected !== null && expected !== content.sha256)) return undefined
    this.#kept = content
    try {
      const { etag, lastModified, lengthBytes, policy } = content
      const probed = await this.#client.probe(url, {
        stored: { etag, lastModified, lengthBytes, policy },
        signal,
        certificate: wishOf(spec),
        ...(spec.headers && { headers: spec.headers })
      })
      return probed.status === 'unchanged' ? await this.#deliverRetained(content, false) : undefined
    } catch (error) {
      if (signal.aborted) throw signal.reason
      // What is wrong there shows again when it is downloaded; but an origin out of reach is not waited for where an old version will do.
      if (
        hasCode(error, 'ORIGIN_UNREACHABLE', 'ORIGIN_STALLED') &&
        spec.allowStale &&
        mayServeStale(content.policy, this.#job.clock)
      )
        return this.#deliverRetained(content, true)
      if (hasCode(error, ...ofTheDestination)) throw error
      return undefined
    }
  }

  async fromOrigin(): Promise<Delivered> {
    const { url, spec, expected, settings, options, clock, signal, reason, unserved } = this.#job
    let waitedMs = 0
    if (unserved && reason !== null && options.stagger !== false) {
      waitedMs = staggerMs(this.#job.staggerRangeSeconds, options.random ?? Math.random)
      await waitOut(waitedMs, {
        clock,
        signal,
        tell: (leftMs) => options.onProgress?.({ phase: 'stagger', reason, waitMs: waitedMs, leftMs })
      })
    }
    const target = this.#sink()
    const { scriptMemoryCacheSeconds, scriptMemoryCacheBytes } = settings.integration
    const remembers =
      this.#keeps && spec.kind === 'script' && options.scripts !== undefined && scriptMemoryCacheSeconds > 0
    const memory = remembers ? new RememberingSink(target, scriptMemoryCacheBytes) : undefined
    const { lengthBytes, originBytes, sha256, version } = await downloadDirectly({
      client: this.#client,
      url,
      headers: spec.headers,
      certificate: wishOf(spec),
      expected,
      clock,
      signal,
      sink: memory ?? target,
      onProgress: (progress) => options.onProgress?.({ phase: 'direct', ...progress })
    })
    if (this.#keeps && version.storable && version.unshareable !== 'private') {
      if (memory?.data) options.scripts?.keep(url, memory.data, sha256, scriptMemoryCacheBytes)
      if (spec.kind === 'resource') await this.#retain(version, sha256, target)
    }
    const data = target instanceof MemorySink ? target.data : null
    return {
      source: 'direct',
      data,
      lengthBytes,
      sha256,
      split: { originBytes, peerBytes: 0, cacheBytes: lengthBytes - originBytes },
      stale: false,
      waitedMs
    }
  }

  /** Only what the origin can later say is unchanged. */
  async #retain(version: OriginVersion, sha256: Sha256Hex, target: Sink): Promise<void> {
    const { settings, path } = this.#job
    if (version.unshareable !== null || (version.etag === null && version.lastModified === null)) return
    if (
      this.#kept?.sha256 === sha256 &&
      this.#kept.etag === version.etag &&
      this.#kept.lastModified === version.lastModified
    )
      return
    const bytes = target instanceof MemorySink ? target.data : path
    if (bytes === null) return
    await this.#retained.keep(version, sha256, bytes, {
      maxBytes: settings.integration.retainedMaxBytes,
      minFreeBytes: settings.cache.minFreeBytes
    })
  }

  async #deliverRetained(content: RetainedContent, stale: boolean): Promise<Delivered | undefined> {
    const sink = this.#sink()
    const write = async () => {
      await sink.begin(null, content.lengthBytes)
      return this.#retained.deliver(content, sink)
    }
    if (await commitIf(sink, write)) return delivered('retained', sink, content.lengthBytes, content.sha256, stale)
    this.#kept = undefined
    return undefined
  }

  #sink(): Sink {
    const { path, maxMemoryBytes, spec, clock, unserved, reason } = this.#job
    // An agent that was asked in vain may still be writing to it.
    const exclusive = unserved || reason === null
    return path === null
      ? new MemorySink(maxMemoryBytes)
      : new FileSink(path, { overwrite: spec.overwrite, clock, exclusive })
  }
}

/** What came from this PC. */
function delivered(
  source: DownloadSource,
  sink: Sink,
  lengthBytes: number,
  sha256: Sha256Hex,
  stale: boolean
): Delivered {
  return {
    source,
    data: sink instanceof MemorySink ? sink.data : null,
    lengthBytes,
    sha256,
    split: { originBytes: 0, peerBytes: 0, cacheBytes: lengthBytes },
    stale,
    waitedMs: 0
  }
}

/** Commits what `write` wrote when it says that it is good; discards it otherwise. */
async function commitIf(sink: Sink, write: () => Promise<boolean>): Promise<boolean> {
  let good = false
  try {
    good = await write()
    if (good) await sink.commit()
    return good
  } finally {
    if (!good) await sink.discard()
  }
}

function hasUserInfo(url: string): boolean {
  const { username, password } = new URL(url)
  return `${username}${password}` !== ''
}
