/**
 * What crosses IPC, as JSON. Electron clones more (Map, Date, typed arrays); Larder sends plain data only, so the host
 * refuses the rest aloud. Keys whose value is undefined are left out.
 */
export function encodePlain(value: unknown): string {
  return JSON.stringify(value === undefined ? null : requirePlain(value, 0))
}

function requirePlain(value: unknown, depth: number): unknown {
  if (depth > 100) throw new Error('An object could not be cloned.')
  if (value === null || value === undefined || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new Error(`test host: ${value} does not cross here`)
    return value
  }
  if (typeof value !== 'object') throw new Error('An object could not be cloned.')
  const kind = Object.prototype.toString.call(value)
  if (Array.isArray(value)) for (const item of value) requirePlain(item, depth + 1)
  else if (kind !== '[object Object]') throw new Error(`test host: ${kind} does not cross here`)
  else for (const item of Object.values(value)) requirePlain(item, depth + 1)
  return value
}
