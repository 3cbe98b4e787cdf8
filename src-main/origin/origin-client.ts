import type { Priority } from '../contract/request.ts'
import type { Settings } from '../contract/settings.ts'
import { sleep, type Clock } from '../lib/clock.ts'
import { hasCode, LarderError } from '../lib/errors.ts'
import { Turns } from '../lib/turns.ts'
import type { TransferWindow } from '../rates/adaptive-window.ts'
import type { Pace } from '../rates/pace.ts'
import { createAgents, KEPT_IDLE } from './agents.ts'
import { AskedWhole } from './asked-whole.ts'
import { openBody } from './body.ts'
import { cachingRules } from './caching.ts'
import { ClientCertificates } from './client-certificates.ts'
import { ClockSkews } from './clock-skews.ts'
import { cancelled, createExchange, type Answer, type AskHop } from './exchange.ts'
import { failureOf } from './failures.ts'
import { AddressGuard, type Resolve } from './guarded-lookup.ts'
import { HeldAnswers } from './held-answers.ts'
import { hopsOverSockets } from './hop.ts'
import { nameOfUrl } from './ignored-query.ts'
import type { OriginBody, OriginClient, OriginVersion, ProbeResult } from './origin.ts'
import { nothingAnyway, type SharedAnyway } from './private-by-default.ts'
import { lookAgain, probeOnce, type Probe, type ProbeOptions } from './probe.ts'
import { proxyFor, type SystemProxy } from './proxy.ts'
import { Quirks } from './quirks.ts'
import { callerFields, isCredentialField } from './request-headers.ts'
import { pauseBeforeRetry } from './retry.ts'
import { openSeveral } from './several-ranges.ts'
import { hostOf, normaliseUrl, separateCredentials } from './url.ts'
import { openWindowed } from './windowed-body.ts'
import { isRenaming, TagLooks } from './tag-looks.ts'
import { systemCas } from './trust.ts'

/** What holds downloads back; see `rates/`. */
export interface OriginRates {
  pace(link: 'wan', priority: Priority): Pace
  window(url: string, priority: Priority): TransferWindow | undefined
}

export interface OriginClientOptions {
  readonly clock: Clock
  readonly settings: Settings['origin']
  /** Hosts whose contents are shared although they look private; none by default. */
  readonly sharedAnyway?: SharedAnyway
  /** For proxies (`HTTPS_PROXY`, `NO_PROXY`, …). */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The proxy settings of the system; absent: settings and environment alone count. */
  readonly systemProxy?: SystemProxy | undefined
  /** Value of the `User-Agent` field, unless a request brings its own. */
  readonly userAgent: string
  /** Silence within a body that counts as a broken connection, ms; 10 s by default. */
  readonly stallMs?: number
  /** Nothing it brings is given to others: what lies on this PC is then no more private than the rest. */
  readonly alone?: boolean
  /** How one server is asked one question; over HTTP and HTTPS by default. */
  readonly askHop?: AskHop
  /** How names are looked up; by the system by default. */
  readonly resolve?: Resolve
  /** In [0, 1); spreads retries. */
  readonly random?: () => number
  /** Absent: as fast as it comes. */
  readonly rates?: OriginRates
}

/** Questions for versions that one host is asked at the same time; connections kept idle for the next ones are as many. */
const PROBES_AT_ONCE = KEPT_IDLE
const PROBE_PATIENCE_MS = 1000
/** An answer with another version is that of the moment: whoever was surprised by it asks again at once. */
const ADOPTED_MS = 2000
/** URLs remembered because HEAD and GET did not agree. */
const MAX_SUSPECTS = 1000

/**
 * The way to origins.
 * @throws SETTINGS_INVALID when the proxy of the settings is no HTTP proxy
 */
export function createOriginClient(options: OriginClientOptions): OriginClient {
  const { clock, settings } = options
  const random = options.random ?? Math.random
  const stallMs = options.stallMs ?? 10_000
  proxyFor('https://proxy.invalid/', { proxy: settings.proxy, env: {} })
  const guard = new AddressGuard({ trustLoopback: settings.trustLoopback, resolve: options.resolve })
  const agents = createAgents(settings, options.env, guard, {
    cas: systemCas,
    proxy: options.systemProxy,
    now: () => clock.monotonicMs()
  })
  const skews = new ClockSkews(clock)
  const quirks = new Quirks(clock)
  const askHop =
    options.askHop ??
    hopsOverSockets({
      clock,
      agents,
      guard,
      alone: options.alone,
      userAgent: options.userAgent,
      connectTimeoutMs: settings.connectTimeoutMs,
      responseTimeoutMs: settings.responseTimeoutMs,
      quirks,
      answered: (host, headers) => skews.note(host, headers)
    })
  const certificates = new ClientCertificates(settings.clientCertificates, clock)
  const exchange = createExchange(askHop, { certificates, certificateRules: settings.clientCertificateRules }, clock)
  const rules = cachingRules(clock)
  const held = new HeldAnswers<OriginVersion>(clock)
  /** By URL: what came instead of the version that was asked for. */
  const adopted = new HeldAnswers<string>(clock, ADOPTED_MS)
  let askingWhole = 0
  /** They publish digests: what a digest names may be here, whatever the URL. */
  const digestHosts = new Set<string>()
  const askedWhole = new AskedWhole(clock)
  const turns = new Turns(clock, PROBES_AT_ONCE, PROBE_PATIENCE_MS)
  const suspects = new Set<string>()
  const closing = new AbortController()
  const tagLooks = new TagLooks(clock, quirks, (version) => lookAgain(exchange, clock, version, closing.signal))
  const looksBeside = (url: string) => settings.checksumHosts.some((pattern) => isHost(pattern, new URL(url).hostname))

  return {
    async probe(text, { stored, headers = {}, certificate, chooser, vouched, whole, signal }): Promise<ProbeResult> {
      const { href, url, fields, authorised } = requestOf(text, headers)
      const ended = signalOf(signal)
      const known = nameOfUrl(href, settings.ignoredQuery)
      const learned = { headRefused: false }
      for (let attempt = 1; ; attempt++) {
        const mayHold = held.size + askingWhole < (whole ?? 0) && attempt === 1 && !digestHosts.has(hostOf(url))
        const withBytes = mayHold && askedWhole.note(url)
        if (withBytes) askingWhole++
        try {
          const how: ProbeOptions = {
            exchange,
            clock,
            rules,
            stallMs,
            quirks,
            nameOf: (asked) => nameOfUrl(asked, settings.ignoredQuery),
            sharedAnyway: options.sharedAnyway ?? nothingAnyway,
            looksBeside
          }
          const what: Probe = {
            url,
            fields,
            authorised,
            certificate,
            chooser,
            vouched,
            stored,
            signal: ended,
            learned,
            suspect: suspects.has(url),
            adopted: isPlain(fields, certificate) ? adopted.take(url) : undefined,
            whole: withBytes
          }
          const result = await turns.take(hostOf(url), () => probeOnce(how, what), ended)
          if (result.status === 'unchanged') return result
          const version = {
            ...result.version,
            url: href,
            ...(known !== href && { knownBy: known }),
            ...(vouched && { vouched }),
            ...(certificate && { certificate }),
            ...(chooser && { chooser })
          }
          if (version.sha256 !== null && digestHosts.size < MAX_SUSPECTS) digestHosts.add(hostOf(url))
          if (result.held) held.keep(version, result.held)
          else if (result.plain && Object.keys(fields).length === 0) tagLooks.begin(version)
          return { status: 'version', version }
        } catch (thrown) {
          if (ended.aborted) throw cancelled(ended)
          const error = failureOf(thrown, hostOf(url))
          const pause = pauseBeforeRetry(error, attempt, random())
          if (pause === null) throw error
          await sleep(clock, pause, ended).catch(() => {
            throw cancelled(ended)
          })
        } finally {
          if (withBytes) askingWhole--
        }
      }
    },

    release: (version) => held.drop(version),

    async open(
      version: OriginVersion,
      range,
      { headers = {}, signal, priority = 'foreground', starts }
    ): Promise<OriginBody> {
      const { url, fields } = requestOf(version.url, headers)
      if (!Number.isSafeInteger(range.start) || range.start < 0 || (range.end !== null && range.end < range.start))
        throw new RangeError(`not a range: ${range.start}-${range.end}`)
      let isAdopted = false
      try {
        await tagLooks.check(version)
        const now = whenAsked(priority)
        const first = range.start === 0 ? held.take(version) : undefined
        // A rest is wanted alone.
        if (first === undefined) held.drop(version)
        const adopt = (answer: Answer) => {
          if (!isPlain(fields, version.certificate) || answer.url !== url) return false
          adopted.keep(url, answer)
          isAdopted = true
          return true
        }
        const how = {
          first,
          adopt,
          starts,
          exchange,
          clock,
          random,
          stallMs,
          quirks,
          fields,
          signal: signalOf(signal),
          pace: paceOf(now)
        }
        const end = range.end ?? version.lengthBytes
        const window =
          first === undefined && end !== null && maySplit(version)
            ? options.rates?.window(version.finalUrl, now())
            : undefined
        if (window === undefined || end === null) return await openBody(how, { ...version, url }, range)
        return await openWindowed(
          (part) => openBody(how, { ...version, url }, part),
          { start: range.start, end },
          onlyWhile(() => now() === 'background', window)
        )
      } catch (error) {
        held.drop(version)
        // To ask twice costs the whole twice where no part can be asked for.
        if (hasCode(error, 'ORIGIN_CHANGED') && !isRenaming(error) && (version.ranges || !isAdopted)) suspect(url)
        // Found by HEAD a moment ago, and gone.
        if (hasCode(error, 'ORIGIN_NOT_FOUND', 'ORIGIN_FORBIDDEN') && (version.etag ?? version.lastModified) === null)
          quirks.note(url, 'asked-once')
        throw error
      }
    },

    async openSeveral(version, ranges, { headers = {}, signal, priority = 'foreground' }) {
      const { url, fields } = requestOf(version.url, headers)
      const how = { exchange, clock, quirks, fields, signal: signalOf(signal), pace: paceOf(whenAsked(priority)) }
      try {
        return await openSeveral(how, { ...version, url }, ranges)
      } catch (error) {
        if (hasCode(error, 'ORIGIN_CHANGED')) suspect(url)
        throw error
      }
    },

    async pass(text, { method, headers, conditions, chooser, signal }) {
      const { url, fields } = requestOf(text, headers)
      try {
        return await exchange({ method, url, named: url, fields, own: conditions, chooser, signal: signalOf(signal) })
      } catch (thrown) {
        throw failureOf(thrown, hostOf(url))
      }
    },

    nameOf: (url) => nameOfUrl(url, settings.ignoredQuery),
    quirks: (url) => quirks.of(url),
    clockSkews: () => skews.view(),

    async close() {
      closing.abort(new LarderError('SHUTTING_DOWN', 'The agent is stopping.'))
      held.close()
      adopted.close()
      agents.close()
    }
  }

  function paceOf(now: () => Priority): Pace | undefined {
    const { rates } = options
    return rates && ((bytes, ended) => rates.pace('wan', now())(bytes, ended))
  }

  /** Many small ranges need an origin that gives ranges of a named version, and no proxy: the delay on the way to that says nothing. */
  function maySplit({ url, ranges, etag, lastModified, finalUrl }: OriginVersion): boolean {
    return (
      ranges &&
      !quirks.has(url, 'no-ranges') &&
      (etag ?? lastModified) !== null &&
      proxyFor(finalUrl, { proxy: settings.proxy, env: options.env }) === null
    )
  }

  function requestOf(text: string, headers: Record<string, string>) {
    const href = normaliseUrl(text)
    const { url, authorization } = separateCredentials(href)
    const fields = callerFields(headers)
    if (authorization !== null) fields['authorization'] ??= authorization
    return { href, url, fields, authorised: Object.keys(fields).some(isCredentialField) }
  }

  function signalOf(signal: AbortSignal | undefined): AbortSignal {
    return signal ? AbortSignal.any([closing.signal, signal]) : closing.signal
  }

  /** The file changed, or the answers to HEAD and GET differ for good; the next probe finds out which. */
  function suspect(url: string): void {
    suspects.add(url)
    if (suspects.size > MAX_SUSPECTS) for (const oldest of suspects) return void suspects.delete(oldest)
  }
}

/** Anybody gets the same for the URL alone. */
function isPlain(fields: Readonly<Record<string, string>>, certificate: OriginVersion['certificate']): boolean {
  return Object.keys(fields).length === 0 && certificate === undefined
}

function whenAsked(priority: Priority | (() => Priority)): () => Priority {
  return typeof priority === 'function' ? priority : () => priority
}

/** `*.domain` means what is below it. */
function isHost(pattern: string, host: string): boolean {
  return pattern.startsWith('*.') ? host.endsWith(pattern.slice(1).toLowerCase()) : host === pattern.toLowerCase()
}

/** A window that holds nothing back while `holds` says so. */
function onlyWhile(holds: () => boolean, window: TransferWindow): TransferWindow {
  return {
    get bytes() {
      return holds() ? window.bytes : null
    },
    received: (bytes) => window.received(bytes),
    release: () => window.release()
  }
}
