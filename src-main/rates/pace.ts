// Why it is like this: docs/decisions/0028-rates-hold-bytes-after-they-came.md
import { sleep, type Clock } from '../lib/clock.ts'
import type { ByteBucket } from './byte-bucket.ts'

/**
 * Asked for each lot of bytes that went through. `undefined`: go on at once, which is all it costs while there is no cap; else go
 * on when the promise settles. It rejects with the signal's reason.
 */
export type Pace = (bytes: number, signal?: AbortSignal) => Promise<void> | undefined

/** A wait looks again at least this often, so that a cap that is raised or lifted counts at once. */
const LOOK_AGAIN_MS = 500

/** Keeps to both. */
export function bothOf(one: Pace, other: Pace): Pace {
  return (bytes, signal) => {
    const waits = [one(bytes, signal), other(bytes, signal)].filter((wait) => wait !== undefined)
    return waits.length === 0 ? undefined : Promise.all(waits).then(() => {})
  }
}

/** Keeps the bytes that go through within a bucket's rate. */
export function paceOf(bucket: ByteBucket, clock: Clock): Pace {
  const wait = async (mark: number, signal?: AbortSignal): Promise<void> => {
    for (let ms = bucket.waitMs(mark); ms > 0; ms = bucket.waitMs(mark))
      await sleep(clock, Math.min(ms, LOOK_AGAIN_MS), signal)
  }
  return (bytes, signal) => {
    if (bucket.bytesPerSecond === null) return undefined
    const mark = bucket.take(bytes)
    return bucket.waitMs(mark) > 0 ? wait(mark, signal) : undefined
  }
}
