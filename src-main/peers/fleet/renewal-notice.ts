import type { X509Certificate } from 'node:crypto'
import { expiresAtMs } from './fleet-certificate.ts'

const DAY_MS = 24 * 3600_000
/** The reminder begins this long before the end, or when a quarter of a shorter life is left. */
const REMIND_MS = 30 * DAY_MS
/** A clock may lie before a certificate's beginning by this much without a word. */
const BEHIND_MS = DAY_MS

/** What people are to be told about this PC's own place in the fleet. */
export interface RenewalNotice {
  readonly kind: 'denied' | 'clock-behind' | 'expired' | 'expires-soon'
  readonly text: string
}

export function renewalNotice(
  certificate: X509Certificate,
  { nowMs, denied }: { nowMs: number; denied: boolean }
): RenewalNotice | undefined {
  const [beginsMs, endsMs] = [Date.parse(certificate.validFrom), expiresAtMs(certificate)]
  if (denied)
    return {
      kind: 'denied',
      text: 'This PC was removed from its fleet by the holder of the fleet CA, so it has no peers.'
    }
  if (nowMs < beginsMs - BEHIND_MS) {
    return {
      kind: 'clock-behind',
      text: `The clock of this PC says ${day(nowMs)}, but its fleet certificate was made on ${day(beginsMs)}. Correct the clock.`
    }
  }
  if (nowMs > endsMs) {
    return {
      kind: 'expired',
      text: `By the clock of this PC (${day(nowMs)}) its fleet certificate ended on ${day(endsMs)}. Set the clock right if it is wrong; else renew the certificate with \`larder fleet renew\`.`
    }
  }
  if (endsMs - nowMs < Math.min(REMIND_MS, (endsMs - beginsMs) / 4)) {
    return {
      kind: 'expires-soon',
      text: `The fleet certificate of this PC ends on ${day(endsMs)}. Renew it with \`larder fleet renew\`; the holder of the fleet CA signs it.`
    }
  }
  return undefined
}

/** `2026-01-31`, UTC; a clock beyond all dates says so. */
function day(wallMs: number): string {
  const date = new Date(wallMs)
  return Number.isNaN(date.getTime()) ? 'no date' : date.toISOString().slice(0, 10)
}
