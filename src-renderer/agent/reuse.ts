/**
 * `next`, but with every part of `last` that is equal in its place: what did not change keeps its identity, so that
 * components that select it are not drawn again. Lists of objects with an identity (`id`, `key`, `sha256`, `seq`)
 * are matched by it, so that a new first row does not make all rows new. For JSON values only.
 */
export function reuse<T>(last: unknown, next: T): T {
  return reuseValue(last, next) as T
}

function reuseValue(last: unknown, next: unknown): unknown {
  if (Object.is(last, next)) return last
  if (Array.isArray(next)) return Array.isArray(last) ? reuseList(last, next) : next
  if (isObject(next)) return isObject(last) ? reuseObject(last, next) : next
  return next
}

// Runs over 100,000 fields ten times a second: `for … in` costs a third of a list of keys.
function reuseObject(last: Record<string, unknown>, next: Record<string, unknown>): Record<string, unknown> {
  let same = true
  let more = 0
  // Copied only where a part of it can be kept: most objects change in numbers alone, or not at all.
  let made: Record<string, unknown> | null = null
  // oxlint-disable-next-line guard-for-in -- JSON has only fields of its own
  for (const name in next) {
    more++
    const given = next[name]
    // `__proto__` as an own name, which JSON can carry, must not become the prototype: it is left as it came.
    if (name === '__proto__') {
      same = false
      continue
    }
    const before = last[name]
    if (given === before) continue
    const value = typeof given === 'object' && given !== null ? reuseValue(before, given) : given
    if (!Object.is(value, before)) same = false
    if (value !== given) {
      made ??= { ...next }
      made[name] = value
    }
  }
  // oxlint-disable-next-line guard-for-in
  for (const _ in last) more--
  return same && more === 0 ? last : (made ?? next)
}

function reuseList(last: unknown[], next: unknown[]): unknown[] {
  let known: Map<unknown, unknown> | null | undefined
  let same = last.length === next.length
  const made = next.map((item, index) => {
    const identity = identityOf(item)
    let before = last[index]
    // Looked up only where the order has changed.
    if (identity !== undefined && identityOf(before) !== identity) {
      known ??= byIdentity(last)
      before = known?.get(identity)
    }
    const value = reuseValue(before, item)
    if (!Object.is(value, last[index])) same = false
    return value
  })
  return same ? last : made
}

function byIdentity(list: readonly unknown[]): Map<unknown, unknown> | null {
  if (list.length === 0 || identityOf(list[0]) === undefined) return null
  return new Map(list.map((item) => [identityOf(item), item]))
}

function identityOf(item: unknown): unknown {
  if (!isObject(item)) return undefined
  return item.id ?? item.key ?? item.sha256 ?? item.seq ?? undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
