import type { Sha256Hex } from '../../contract/ids.ts'
import { LarderError } from '../../lib/errors.ts'

/** A recall as a setting names it: `sha256:<hex>`, and why after a blank. */
const FORM = /^sha256:([0-9a-f]{64})(?: (.*))?$/

export interface RecallSources {
  /** `sharing.recalls` of the settings. */
  readonly settings: () => readonly string[]
  /** What the fleet's CA has signed. */
  readonly fleet: () => ReadonlyMap<Sha256Hex, string>
}

/** Contents that an administrator has recalled: by policy, or by the CA of the fleet. */
export class Recalls {
  readonly #sources: RecallSources

  constructor(sources: RecallSources) {
    this.#sources = sources
  }

  /** Why it was recalled, perhaps without words; undefined: it was not. */
  reason(sha256: Sha256Hex): string | undefined {
    const byFleet = this.#sources.fleet().get(sha256)
    if (byFleet !== undefined) return byFleet
    for (const text of this.#sources.settings()) {
      const [, digest, reason = ''] = FORM.exec(text) ?? []
      if (digest === sha256) return reason
    }
    return undefined
  }

  /** All of them. */
  all(): Sha256Hex[] {
    const bySettings = this.#sources.settings().flatMap((text) => (FORM.exec(text)?.[1] as Sha256Hex | undefined) ?? [])
    return [...new Set([...this.#sources.fleet().keys(), ...bySettings])]
  }

  /** @throws CONTENT_RECALLED */
  assertNotRecalled(sha256: Sha256Hex): void {
    const reason = this.reason(sha256)
    if (reason === undefined) return
    throw new LarderError(
      'CONTENT_RECALLED',
      `This content was recalled by the administrator${reason === '' ? '' : `: ${reason}`}`,
      { sha256 }
    )
  }
}
