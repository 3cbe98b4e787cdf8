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

function reuseObject(last: Record<string, unknown>, next: Record<string, unknown>): Record<string, unknown> {
  const names = Object.keys(next)
  let same = names.length === Object.keys(last).length
  // Copied only where a part of it can be kept: most objects change in numbers alone, or not at all.
  let made: Record<string, unknown> | null = null
  for (const name of names) {
    const given = next[name]
    if (!Object.hasOwn(last, name)) {
      same = false
      continue
    }
    const value = reuseValue(last[name], given)
    if (!Object.is(value, last[name])) same = false
    // `__proto__` as an own name, which JSON can carry, must not become the prototype: it is left as it came.
    if (!Object.is(value, given) && name !== '__proto__') {
      made ??= { ...next }
      made[name] = value
    }
  }
  return same ? last : (made ?? next)
}

function reuseList(last: unknown[], next: unknown[]): unknown[] {
  const known = byIdentity(last)
  let same = last.length === next.length
  const made = next.map((item, index) => {
    const identity = identityOf(item)
    const before = known !== null && identity !== undefined ? known.get(identity) : last[index]
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
