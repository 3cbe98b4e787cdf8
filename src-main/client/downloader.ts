import { systemClock } from '../lib/clock.ts'
import { download } from './download.ts'
import type { DownloadOptions, DownloadResult, DownloadSpec } from './download-types.ts'
import { ScriptMemory } from './script-memory.ts'

/** As `download`, for a program that asks more than once. */
export type Downloader = (spec: DownloadSpec, options?: DownloadOptions) => Promise<DownloadResult>

/**
 * A `download` that remembers: while the agent does not serve this PC, a `script` asked for again shortly comes from the memory
 * of this program (`integration.scriptMemoryCacheSeconds`, `integration.scriptMemoryCacheBytes`).
 * @param always options of every download, where it names no others
 */
export function createDownloader(always: DownloadOptions = {}): Downloader {
  const scripts = new ScriptMemory(always.clock ?? systemClock)
  return (spec, options = {}) => download(spec, { scripts, ...always, ...options })
}
