import type { StoredVersion } from '../cache/cache.ts'
import type { Clock } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import { orAborted } from '../lib/or-aborted.ts'
import type { Chooser } from '../origin/address-policy.ts'
import type { CertificateWish } from '../origin/certificate-choice.ts'
import type { OriginClient, ProbeResult } from '../origin/origin.ts'
import { KeptRefusals } from './kept-refusals.ts'

export interface VersionQuestion {
  /** The version in the cache, when it is still there. */
  readonly stored: StoredVersion | undefined
  readonly headers: Record<string, string> | undefined
  readonly certificate: CertificateWish | undefined
  readonly private: boolean
  /** Who chose the URL; the user by default. */
  readonly chooser?: Chooser | undefined
  /** The caller knows the digest of the bytes. */
  readonly vouched?: boolean | undefined
  /** All of its bytes are wanted; see {@link OriginClient.probe}. 0: they are not. */
  readonly whole?: number
  readonly signal: AbortSignal
}

/**
 * Asks origins for the latest version of a URL. Requests on this PC that ask for the same URL at the same moment share one
 * answer, and a refusal answers those that follow within seconds; private ones never do.
 */
export class VersionCheck {
  readonly #origin: OriginClient
  readonly #running = new Map<string, Promise<ProbeResult>>()
  readonly #refusals: KeptRefusals

  constructor(origin: OriginClient, clock: Clock) {
    this.#origin = origin
    this.#refusals = new KeptRefusals(clock)
  }

  /** @throws the codes of {@link OriginClient.probe}; the signal's reason when it is aborted */
  check(url: string, question: VersionQuestion): Promise<ProbeResult> {
    const { stored, headers, certificate, chooser, vouched, whole, signal } = question
    if (question.private || headers !== undefined || certificate !== undefined)
      return this.#origin.probe(url, {
        signal,
        ...(stored ? { stored } : {}),
        ...(headers ? { headers } : {}),
        ...(certificate ? { certificate } : {}),
        ...(chooser ? { chooser } : {}),
        ...(vouched ? { vouched } : {}),
        ...(whole ? { whole } : {})
      })
    // Whether there is something stored is part of the question: "unchanged" means nothing to anyone who has nothing.
    const same = `${chooser ?? 'user'} ${vouched ? 'vouched' : ''} ${stored?.key ?? ''} ${url}`
    const refusal = this.#refusals.get(same)
    if (refusal) return Promise.reject(refusal)
    let running = this.#running.get(same)
    if (!running) {
      running = this.#origin
        .probe(url, {
          ...(stored && { stored }),
          ...(chooser && { chooser }),
          ...(vouched && { vouched }),
          ...(whole && { whole })
        })
        .finally(() => this.#running.delete(same))
      running.catch((error: unknown) => {
        if (error instanceof LarderError) this.#refusals.add(same, error)
      })
      this.#running.set(same, running)
    }
    return orAborted(running, signal)
  }
}
