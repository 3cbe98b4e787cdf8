import { errorTable, type ErrorCode, type ErrorView } from '../contract/errors.ts'

export type ErrorDetails = Record<string, string | number | boolean | null>

/** The one error class of Larder: a stable code, a sentence for a person, facts beside it. Match on `code` only. */
export class LarderError extends Error {
  override readonly name = 'LarderError'
  readonly code: ErrorCode
  readonly details: ErrorDetails

  /** `details` are plain facts, and `cause` the error behind this one. */
  constructor(
    code: ErrorCode,
    message: string,
    details: { readonly cause?: unknown; readonly [fact: string]: unknown } = {}
  ) {
    const { cause, ...facts } = details
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.details = Object.fromEntries(
      Object.entries(facts)
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => [name, plain(value)])
    )
  }

  /** What the reader can do now. */
  get next(): string {
    return errorTable[this.code].next
  }

  /** The error as it crosses a process boundary. */
  toView(): ErrorView {
    return {
      code: this.code,
      message: this.message.slice(0, 2000),
      next: this.next,
      ...(Object.keys(this.details).length > 0 ? { details: this.details } : {})
    }
  }

  static fromView(view: ErrorView): LarderError {
    return new LarderError(view.code, view.message, view.details)
  }

  /** Any thrown value as a LarderError; unknown ones become `fallback`, with the original as cause. */
  static from(thrown: unknown, fallback: ErrorCode = 'INTERNAL'): LarderError {
    if (thrown instanceof LarderError) return thrown
    const message = thrown instanceof Error ? thrown.message : String(thrown)
    return new LarderError(fallback, message, { cause: thrown })
  }
}

function plain(value: unknown): ErrorDetails[string] {
  return value === null || typeof value === 'number' || typeof value === 'boolean'
    ? value
    : String(value as string | bigint | Error)
}

/** True when `thrown` is a LarderError with one of these codes. */
export function hasCode(thrown: unknown, ...codes: ErrorCode[]): boolean {
  return thrown instanceof LarderError && codes.includes(thrown.code)
}

/** Code of a system error (`ENOSPC`), if it is one. */
export function systemCode(thrown: unknown): string | undefined {
  const code = (thrown as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : undefined
}
