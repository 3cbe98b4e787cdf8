/** What one value counts for that is not text. */
const VALUE_CHARS = 8
const MAX_DEPTH = 16

/**
 * True when `value` is plain data (no class instances, no cycles) of at most `maxChars`, the text of keys and strings
 * together with a little for each value. Stops looking as soon as it is too much.
 */
export function fitsInto(value: unknown, maxChars: number): boolean {
  let left = maxChars
  const spend = (chars: number): boolean => (left -= chars) >= 0
  const visit = (part: unknown, depth: number): boolean => {
    if (depth > MAX_DEPTH || !spend(VALUE_CHARS)) return false
    if (typeof part === 'string') return spend(part.length)
    if (part === null || part === undefined || typeof part === 'number' || typeof part === 'boolean') return true
    if (Array.isArray(part)) return part.every((item) => visit(item, depth + 1))
    if (typeof part !== 'object' || !isPlain(part)) return false
    for (const key of Object.keys(part)) {
      if (!spend(key.length) || !visit((part as Record<string, unknown>)[key], depth + 1)) return false
    }
    return true
  }
  return visit(value, 0)
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
