/** The entity tag if it is strong (RFC 9110 §8.8.3) and of reasonable length, with its quotes; else null. */
export function strongEtag(field: string | undefined): string | null {
  if (field === undefined || field.length > 1024) return null
  const tag = field.trim()
  return /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(tag) ? tag : null
}

/**
 * `Last-Modified` if it is a strong validator: the origin's own `Date` is at least one second later, so that no second change can
 * hide in the same second (RFC 9110 §8.8.2.2). Else null.
 */
export function strongLastModified(lastModified: string | undefined, date: string | undefined): string | null {
  if (lastModified === undefined || date === undefined || lastModified.length > 64) return null
  const modifiedAt = Date.parse(lastModified)
  const answeredAt = Date.parse(date)
  return answeredAt - modifiedAt >= 1000 ? lastModified : null
}
