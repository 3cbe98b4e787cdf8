/** What `Content-Range` says. `total` null: unknown (`*`). */
export type ContentRange =
  | {
      readonly kind: 'bytes'
      readonly start: number
      /** Exclusive. */ readonly end: number
      readonly total: number | null
    }
  | { readonly kind: 'unsatisfied'; readonly total: number }

/** Reads `Content-Range` (RFC 9110 §14.4): `bytes 0-99/200`, `bytes 0-99/*`, `bytes *` and the total. Null when it is none of these or contradicts itself. */
export function parseContentRange(field: string | undefined): ContentRange | null {
  if (field === undefined || field.length > 100) return null
  const match = /^bytes (?:(\d{1,16})-(\d{1,16})|\*)\/(\d{1,16}|\*)$/i.exec(field.trim())
  if (!match) return null
  const total = match[3] === '*' ? null : Number(match[3])
  if (total !== null && !Number.isSafeInteger(total)) return null
  if (match[1] === undefined) return total === null ? null : { kind: 'unsatisfied', total }
  const start = Number(match[1])
  const end = Number(match[2]) + 1
  if (!Number.isSafeInteger(end) || end <= start || (total !== null && end > total)) return null
  return { kind: 'bytes', start, end, total }
}

/** `Content-Length` as a number; null when absent or not one number. */
export function parseContentLength(field: string | undefined): number | null {
  if (field === undefined || !/^\d{1,16}$/.test(field)) return null
  const length = Number(field)
  return Number.isSafeInteger(length) ? length : null
}
