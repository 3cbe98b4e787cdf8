const REDACTED = '[redacted]'
const MAX_DEPTH = 6
const MAX_ITEMS = 100
const MAX_TEXT = 4000

/** Names of facts whose value is never written. */
const secretName = /^(authorization|proxy-authorization|cookie|set-cookie|password|secret|token|apitoken|api-token|sitekey|fleetkey|privatekey|challenge|proof)$/i

/**
 * Takes secrets out of a text: site keys, bearer tokens, and of URLs the user info, query and fragment (queries are often
 * signed).
 */
export function redactText(text: string): string {
  const bounded = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text
  return bounded
    .replace(/larder-site-[A-Za-z0-9_-]+/g, `larder-site-${REDACTED}`)
    .replace(/\bBearer\s+\S+/gi, `Bearer ${REDACTED}`)
    .replace(/\b([a-z][a-z0-9+.-]{0,15}:\/\/)([^\s"'<>]*)/gi, (_whole, scheme: string, rest: string) => scheme + redactUrlRest(rest))
}

function redactUrlRest(rest: string): string {
  const end = rest.search(/[?#]/)
  const plain = end === -1 ? rest : rest.slice(0, end)
  const authorityEnd = plain.search(/[/\\]/)
  const authority = authorityEnd === -1 ? plain : plain.slice(0, authorityEnd)
  const path = authorityEnd === -1 ? '' : plain.slice(authorityEnd)
  return authority.slice(authority.lastIndexOf('@') + 1) + path + (end === -1 ? '' : `?${REDACTED}`)
}

/** A copy of facts for the log: secrets out, depth and length bounded, errors as plain objects. */
export function redactFacts(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value)
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth >= MAX_DEPTH) return '…'
  if (value instanceof Uint8Array) return `${value.byteLength} bytes`
  if (value instanceof URL) return redactText(value.href)
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => redactFacts(item, depth + 1))
  const facts: Record<string, unknown> = {}
  if (value instanceof Error) {
    facts['type'] = value.name
    facts['message'] = redactText(value.message)
    if (value.stack !== undefined) facts['stack'] = redactText(value.stack)
    if (value.cause !== undefined) facts['cause'] = redactFacts(value.cause, depth + 1)
  }
  for (const [name, item] of Object.entries(value).slice(0, MAX_ITEMS)) {
    if (value instanceof Error && name in facts) continue
    facts[name] = secretName.test(name) && item !== null && item !== undefined ? REDACTED : redactFacts(item, depth + 1)
  }
  return facts
}
