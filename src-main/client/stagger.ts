import type { Clock } from '../lib/clock.ts'
import { sleep } from '../lib/clock.ts'

/** A random wait is told again this often, ms. */
const TELL_EVERY_MS = 1000

/** A wait, ms, uniform in `[0, rangeSeconds]`. @param random in [0, 1) */
export function staggerMs(rangeSeconds: number, random: () => number): number {
  // One more than the range, so that its end is as likely as any other millisecond.
  return Math.floor(random() * (Math.round(rangeSeconds * 1000) + 1))
}

/** Waits, telling every second how long it still takes. @throws the signal's reason */
export async function waitOut(
  waitMs: number,
  options: { readonly clock: Clock; readonly signal: AbortSignal; tell(leftMs: number): void }
): Promise<void> {
  const { clock, signal, tell } = options
  const endMs = clock.monotonicMs() + waitMs
  tell(waitMs)
  const ticks = clock.every(TELL_EVERY_MS, () => {
    const leftMs = Math.round(endMs - clock.monotonicMs())
    if (leftMs > 0) tell(leftMs)
  })
  try {
    await sleep(clock, waitMs, signal)
  } finally {
    ticks.cancel()
  }
}
