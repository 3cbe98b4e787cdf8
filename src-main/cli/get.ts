import { resolve } from 'node:path'
import { download } from '../client/download.ts'
import type { DownloadOptions, DownloadSpec } from '../client/download-types.ts'
import { LarderError } from '../lib/errors.ts'
import type { CliHost } from './cli-host.ts'
import { describeResult } from './describe-download.ts'
import type { Output } from './output.ts'
import { showProgress } from './progress.ts'

/** Options of `larder get` as they are parsed. */
export interface GetOptions {
  readonly dataDir?: string
  readonly output?: string
  readonly sha256?: string
  readonly integrity?: string
  readonly kind?: 'resource' | 'script'
  readonly priority?: 'foreground' | 'background'
  readonly timeout?: number
  readonly fallback?: number
  readonly allowStale?: boolean
  readonly stagger?: boolean
  readonly agent?: boolean
  readonly header?: readonly string[]
  readonly certIssuer?: string
  readonly certSubject?: string
  readonly quiet?: boolean
}

/** Downloads one URL to a file. */
export async function get(url: string, options: GetOptions, output: Output, host: CliHost): Promise<void> {
  if (options.output === '-')
    throw new LarderError('DESTINATION_INVALID', 'The bytes cannot go to the standard output; name a file')
  if (options.sha256 !== undefined && !/^[0-9a-fA-F]{64}$/.test(options.sha256))
    throw new LarderError('DIGEST_INVALID', '--sha256 expects 64 hex digits')
  const integrity = options.sha256 ?? options.integrity
  const spec: DownloadSpec = {
    url,
    destination: options.output ?? '.',
    ...(integrity !== undefined && { integrity }),
    ...(options.kind !== undefined && { kind: options.kind }),
    ...(options.priority !== undefined && { priority: options.priority }),
    ...(options.timeout !== undefined && { timeoutMs: options.timeout }),
    ...(options.allowStale !== undefined && { allowStale: options.allowStale }),
    ...(options.certIssuer !== undefined && { certIssuer: options.certIssuer }),
    ...(options.certSubject !== undefined && { certSubject: options.certSubject }),
    ...(options.header && { headers: parseHeaders(options.header) })
  }
  const interrupted = new AbortController()
  const onSignal = () => interrupted.abort()
  process.once('SIGINT', onSignal)
  process.once('SIGTERM', onSignal)
  const quiet = options.quiet === true || output.json
  const progress = quiet ? undefined : showProgress(output.stderr)
  const settings: DownloadOptions = {
    signal: interrupted.signal,
    program: 'larder-get',
    ...(host.policyFile !== undefined && { policyFile: host.policyFile }),
    ...(progress && { onProgress: (now) => progress.show(now) }),
    ...(options.dataDir !== undefined && { dataDir: resolve(options.dataDir) }),
    ...(options.fallback !== undefined && { fallbackMs: options.fallback }),
    ...(options.stagger === false && { stagger: false }),
    ...(options.agent === false && { agent: false })
  }
  try {
    const result = await download(spec, settings)
    progress?.end()
    if (options.quiet === true && !output.json) return
    const { path, source, reason, lengthBytes, sha256, split, stale, request, waitedMs, elapsedMs } = result
    const facts = {
      path,
      source,
      reason,
      lengthBytes,
      sha256,
      split,
      stale,
      verifiedBy: request?.verifiedBy ?? null,
      role: request?.role ?? 'direct',
      master: request?.masterName ?? null,
      waitedMs,
      elapsedMs
    }
    output.result(facts, () => describeResult(result))
  } finally {
    progress?.end()
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}

/** `Name: value` each. @throws BAD_REQUEST */
export function parseHeaders(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const at = line.indexOf(':')
    const name = line.slice(0, at).trim()
    // What stands there may be a credential, so it is not shown.
    if (at < 1 || !/^[A-Za-z0-9-]{1,64}$/.test(name))
      throw new LarderError('BAD_REQUEST', "--header expects 'Name: value'", { field: 'header' })
    headers[name] = line.slice(at + 1).trim()
  }
  return headers
}
