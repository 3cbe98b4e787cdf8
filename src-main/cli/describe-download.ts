import type { DownloadProgress, DownloadResult } from '../client/download-types.ts'
import { receivedBytes, waitingSentence } from '../contract/progress.ts'
import { reasonTexts, type RequestView, type SourceSplit } from '../contract/request.ts'
import { formatDuration, formatTimeLeft } from '../contract/durations.ts'
import { printable } from './printable.ts'
import { formatSize } from '../contract/sizes.ts'

/** `origin 2.0 MiB, peers 98 MiB`; empty when nothing has come yet. */
export function describeSplit({ originBytes, peerBytes, cacheBytes }: SourceSplit): string {
  const parts: [string, number][] = [
    ['cache', cacheBytes],
    ['peers', peerBytes],
    ['origin', originBytes]
  ]
  return parts
    .filter(([, bytes]) => bytes > 0)
    .map(([name, bytes]) => `${name} ${formatSize(bytes)}`)
    .join(', ')
}

/** What this PC does for the content. */
export function describeRole({ role, masterName }: Pick<RequestView, 'role' | 'masterName'>): string {
  if (role === 'master') return 'master'
  if (role === 'follower') return masterName === null ? 'from peers' : `master is ${printable(masterName)}`
  return role === 'direct' ? 'direct' : ''
}

/** The last line of `larder get`: what is where, and from where it came. */
export function describeResult(result: DownloadResult): string {
  const { path, lengthBytes, source, reason, split, request, stale, elapsedMs, waitedMs } = result
  const whole = `${printable(path ?? 'the content')}: ${formatSize(lengthBytes)}`
  const time = `in ${formatDuration(elapsedMs)}${waitedMs > 0 ? `, of which ${formatDuration(waitedMs)} waiting` : ''}`
  const why = reason === null ? '' : ` ${reasonTexts[reason]}`
  if (source === 'retained')
    return `${whole} as it was kept on this PC ${time}; ${stale ? 'the origin could not be asked whether it is the latest version' : 'it is unchanged at the origin'}.${why}`
  if (source === 'direct') return `${whole} directly from the origin ${time}.${why}`
  const sources = Object.values(split).filter((bytes) => bytes > 0).length
  const only =
    split.cacheBytes > 0 ? 'from the cache of this PC' : split.peerBytes > 0 ? 'from peers' : 'from the origin'
  const from = sources > 1 ? `from ${describeSplit(split)}` : only
  const role = request?.role === 'master' && split.originBytes > 0 ? ' as master' : ''
  return `${whole} ${from}${role} ${time}.${stale ? ' The origin could not be asked whether it is the latest version.' : ''}${why}`
}

/** How far a download is, independent of who does it. */
export interface DownloadPosition {
  readonly receivedBytes: number
  readonly lengthBytes: number | null
  readonly rateBytesPerSecond: number
  /** State or role, and where the bytes come from. */
  readonly about: string
}

/** Undefined for what has no position. */
export function positionOf(progress: DownloadProgress): DownloadPosition | undefined {
  if (progress.phase === 'direct')
    return {
      receivedBytes: progress.receivedBytes,
      lengthBytes: progress.lengthBytes,
      rateBytesPerSecond: progress.rateBytesPerSecond,
      about: 'direct'
    }
  if (progress.phase !== 'agent') return undefined
  const { request } = progress
  const waits = waitingSentence(request)
  const state = waits ?? (request.state === 'delivering' ? 'saving' : '')
  const split = describeSplit(request.split)
  return {
    receivedBytes: receivedBytes(request),
    lengthBytes: request.lengthBytes,
    rateBytesPerSecond: waits === null ? request.rateBytesPerSecond : 0,
    about: [waits === null ? describeRole(request) : '', state, split && `(${split})`].filter(Boolean).join(' ')
  }
}

/** Time left as far as it can be said. */
export function timeLeft({ receivedBytes, lengthBytes, rateBytesPerSecond }: DownloadPosition): string {
  if (lengthBytes === null || rateBytesPerSecond <= 0) return ''
  return `${formatTimeLeft(((lengthBytes - receivedBytes) / rateBytesPerSecond) * 1000)} left`
}

/** A change that is told in words; undefined for a mere step forward. */
export function describeTurn(progress: DownloadProgress): string | undefined {
  if (progress.phase === 'stagger') {
    if (progress.leftMs < progress.waitMs) return undefined
    return `${reasonTexts[progress.reason]} Waiting ${formatDuration(progress.waitMs)}, chosen at random, before the direct download; --no-stagger does not wait.`
  }
  if (progress.phase === 'fallback')
    return `The agent did not deliver (${printable(progress.why)}); downloading directly.`
  return undefined
}
