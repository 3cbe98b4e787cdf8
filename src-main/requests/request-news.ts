import type { ContentKey, RequestId } from '../contract/ids.ts'
import type { LarderError } from '../lib/errors.ts'
import type { TransferWorld } from '../transfers/job.ts'
import type { Ending } from './request-machine.ts'
import type { RequestRecord } from './request-record.ts'

/** What people are told of one request, as events. */
export class RequestNews {
  readonly #of: { readonly requestId: RequestId; readonly url: string }
  readonly #emit: TransferWorld['emit']

  constructor(requestId: RequestId, url: string, emit: TransferWorld['emit']) {
    this.#of = { requestId, url }
    this.#emit = emit
  }

  originChanged(record: RequestRecord): void {
    record.addReason('version-changed')
    const { url } = this.#of
    this.#emit(
      'originChanged',
      `${url} is another version at its origin than it was, or is known there by another name; starting over with what it is now.`,
      { ...this.#of, code: 'ORIGIN_CHANGED' }
    )
  }

  ended(as: Ending, { key, outcome, createdMs, finishedMs }: RequestRecord, error: LarderError | null): void {
    if (as !== 'done') this.#stopped(as, key, error!)
    else this.#done(key, { bytes: outcome!.lengthBytes, ms: Math.round(finishedMs! - createdMs) })
  }

  #done(key: ContentKey | null, facts: { readonly bytes: number; readonly ms: number }): void {
    this.#emit('requestDone', `Finished ${this.#of.url}`, { ...this.#of, ...(key && { key }), ...facts })
  }

  #stopped(as: 'cancelled' | 'failed', key: ContentKey | null, { code, message }: LarderError): void {
    const { url } = this.#of
    const facts = { ...this.#of, ...(key && { key }) }
    if (as === 'cancelled') return this.#emit('requestCancelled', `Cancelled ${url}`, { ...facts, code })
    if (code === 'SHUTTING_DOWN')
      return this.#emit(
        'requestInterrupted',
        `Interrupted ${url}: Larder is stopping. Asked for again, it goes on from what is here.`.slice(0, 1000),
        facts
      )
    this.#emit('requestFailed', `Failed ${url}: ${message}`.slice(0, 1000), { ...facts, code })
  }
}
