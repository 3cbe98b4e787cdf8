import type { CachedContent } from '../cache/cache.ts'
import type { Priority, ReasonCode } from '../contract/request.ts'
import type { LarderError } from '../lib/errors.ts'
import type { JoinedTransfer } from './supply.ts'

/** A request as the transfer it waits for sees it, and what it is told of that. */
export interface Interest {
  readonly priority: Priority
  /** Monotonic ms. */
  readonly deadlineMs: number
  readonly paused: boolean
  /** It is one of the transfer's interests from now on. */
  joined(transfer: JoinedTransfer): void
  /** What a view shows of the transfer has changed. */
  transferChanged(): void
  transferDone(content: CachedContent): void
  transferFailed(error: LarderError): void
  /** The transfer took bytes from where the request did not expect it. */
  noteReason(code: ReasonCode): void
}
