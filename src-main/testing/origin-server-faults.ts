/** Faults that hit the first `times` answers for a file; every one when absent. */
interface Limited {
  readonly times?: number
}

/** What an origin can do wrong, per file. Several may be combined. */
export interface OriginFaults {
  /** Answers 200 with the whole to a range, and does not announce ranges. */
  readonly noRanges?: boolean
  /** Answers 200 with the whole when several ranges are asked for at once, as object stores do. */
  readonly oneRange?: boolean
  /** No Content-Length: chunked. */
  readonly noLength?: boolean
  /** Neither ETag nor Last-Modified, and conditions are ignored. */
  readonly noValidators?: boolean
  /** The entity tag is announced as weak. */
  readonly weakEtag?: boolean
  /** Another entity tag and date at each answer, for the same bytes. */
  readonly changingValidators?: boolean
  /** Answers 200 with everything although the condition says 304. */
  readonly ignoreConditions?: boolean
  /** Answers 206 for the version it has now, whatever If-Range or If-Match say. */
  readonly ignoreIfRange?: boolean
  /** Refuses HEAD with this status; usually 405. */
  readonly headStatus?: number
  /** Compresses although identity was asked for. */
  readonly gzip?: boolean
  /** Content-Range of a 206 as it should not be, e.g. `bytes 5-9/100`; null leaves it out. */
  readonly contentRange?: (right: string) => string | null
  /** Sends this many bytes less than announced, then ends the connection. */
  readonly shortBy?: Limited & { readonly bytes: number }
  /** Sends this many bytes more than announced. */
  readonly longBy?: Limited & { readonly bytes: number }
  /** Never stops sending, without a length. */
  readonly endless?: boolean
  /** Resets the connection after this many bytes of the body. */
  readonly resetAfter?: Limited & { readonly bytes: number }
  /** Sends nothing more after this many bytes of the body, and keeps the connection. */
  readonly stallAfter?: Limited & { readonly bytes: number }
  /** Sends the header section byte by byte, one each `everyMs`, for ever. */
  readonly slowHeaders?: Limited & { readonly everyMs: number }
  /** Takes the request and never answers. */
  readonly silent?: Limited
  /** Statuses of the first answers, one each; then as usual. */
  readonly statuses?: readonly (
    | number
    | { readonly status: number; readonly headers?: Record<string, string>; readonly onlyMethod?: string }
  )[]
  /** Sends this instead of an HTTP answer. */
  readonly raw?: string
}

type LimitedFault = 'shortBy' | 'longBy' | 'resetAfter' | 'stallAfter' | 'slowHeaders' | 'silent'

/** Counts how often the limited faults of one file have struck. */
export class FaultState {
  readonly faults: OriginFaults
  #struck = new Map<LimitedFault, number>()
  #statuses: NonNullable<OriginFaults['statuses']>[number][]

  constructor(faults: OriginFaults) {
    this.faults = faults
    this.#statuses = [...(faults.statuses ?? [])]
  }

  /** The fault, if it is to strike now; counts it. */
  strike<F extends LimitedFault>(name: F): OriginFaults[F] | undefined {
    const fault = this.faults[name]
    if (!fault) return undefined
    const before = this.#struck.get(name) ?? 0
    if (before >= (fault.times ?? Infinity)) return undefined
    this.#struck.set(name, before + 1)
    return fault
  }

  nextStatus(method: string): { status: number; headers: Record<string, string> } | undefined {
    const next = this.#statuses[0]
    if (next === undefined) return undefined
    if (typeof next === 'object' && next.onlyMethod !== undefined && next.onlyMethod !== method) return undefined
    this.#statuses.shift()
    return typeof next === 'number'
      ? { status: next, headers: {} }
      : { status: next.status, headers: next.headers ?? {} }
  }
}
