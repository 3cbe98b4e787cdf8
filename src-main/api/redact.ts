const REDACTED = '[redacted]'
/** How much of nested facts is kept; what lies deeper and what comes after is left out. */
const LOG_LIMITS = { depth: 6, items: 100 } as const
const MAX_TEXT = 4000

/** What could move the cursor of a terminal, begin a line or turn the reading direction where a log is shown; line feed and tab are escaped by JSON. */
const UNPRINTABLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** Names of facts whose value is never written. */
const secretName =
  /^(authorization|proxy-authorization|cookie|set-cookie|password|secret|token|apitoken|api-token|gatewaytoken|gateway-token|sitekey|fleetkey|privatekey|challenge|proof)$/i

/**
 * Takes secrets out of a text: site keys, bearer tokens, and of URLs the user info, query and fragment (queries are often
 * signed).
 */
export function redactText(text: string): string {
  const bounded = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text
  return redactKeys(bounded)
    .replace(UNPRINTABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replace(/larder-site-[A-Za-z0-9_-]+/g, `larder-site-${REDACTED}`)
    .replace(/\bBearer\s+\S+/gi, `Bearer ${REDACTED}`)
    .replace(/\b(Basic|Digest|Negotiate|NTLM)\s+(?=\S*[A-Z0-9+/=])\S{4,}/g, `$1 ${REDACTED}`)
    .replace(/\b((?:set-)?cookie|(?:proxy-)?authorization)(["']?\s*[:=](?!\s*Bearer )\s*)[^\r\n]*/gi, `$1$2${REDACTED}`)
    .replace(
      /\b(password|passwd|pwd|secret|api[-_]?key|access[-_]?token)(["']?\s*[:=]\s*["']?)[^\s"',;&]+/gi,
      `$1$2${REDACTED}`
    )
    .replace(
      /\b([a-z][a-z0-9+.-]{0,15}:\/\/)([^\s"'<>]*)/gi,
      (_whole, scheme: string, rest: string) => scheme + redactUrlRest(rest)
    )
}

/** Takes out private keys in PEM, which go over several lines. */
export function redactKeys(text: string): string {
  return text.replace(/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, REDACTED)
}

function redactUrlRest(rest: string): string {
  const end = rest.search(/[?#]/)
  const plain = end === -1 ? rest : rest.slice(0, end)
  const authorityEnd = plain.search(/[/\\]/)
  const authority = authorityEnd === -1 ? plain : plain.slice(0, authorityEnd)
  const path = authorityEnd === -1 ? '' : plain.slice(authorityEnd).replace(/[^/\\]+/g, redactPathPart)
  return authority.slice(authority.lastIndexOf('@') + 1) + path + (end === -1 ? '' : `?${REDACTED}`)
}

/** Digests, ids and versions have a form; a long run of letters and figures of both cases without one is likely a key to something. */
const PLAIN_PART = /^(sha(1|256|384|512)[-:=])?([0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})$/i
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const JWT = /^eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/
/** GitHub, GitLab, Slack, npm, AWS, Google and whoever follows them: a word, a line, then the secret. */
const MARKED =
  /^(gh[opsur]|github_pat|glpat|glrt|xox[abeprs]|npm|pypi|sk|pk|rk|hf|dp\.pt|AKIA|ASIA|AIza)[-_A-Za-z0-9]{12,}$/
const LABELLED = /^(token|key|auth|sig|signature|secret|session|jwt|apikey|api_key|access_token)[=:;~-].+/i
const LEAST_TOKEN = 20

/** A part of a path that is likely a secret: capability URLs carry theirs there. File names keep what tells them apart. */
function redactPathPart(part: string): string {
  if (JWT.test(part) || MARKED.test(part) || LABELLED.test(part)) return REDACTED
  if (PLAIN_PART.test(part) || UUID.test(part)) return part
  return part.split(/[.~]/).some(looksLikeToken) ? REDACTED : part
}

function looksLikeToken(text: string): boolean {
  if (text.length < LEAST_TOKEN || PLAIN_PART.test(text) || !/^[A-Za-z0-9_%+=-]+$/.test(text)) return false
  // Words in a name are apart; random letters change between figures and both cases all the time.
  const longest = text.split(/[-_]/).reduce((a, b) => (b.length > a.length ? b : a), '')
  const changes = (longest.match(/[a-z](?=[A-Z0-9])|[A-Z](?=[a-z0-9])|[0-9](?=[A-Za-z])/g) ?? []).length
  return longest.length >= 16 && /[0-9]/.test(longest) && /[A-Z]/.test(longest) && /[a-z]/.test(longest) && changes >= 6
}

/** A copy of facts for the log: secrets out, depth and length bounded, errors as plain objects. */
export function redactFacts(
  value: unknown,
  limits: { readonly depth: number; readonly items: number } = LOG_LIMITS
): unknown {
  const below = { ...limits, depth: limits.depth - 1 }
  if (typeof value === 'string') return redactText(value)
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (limits.depth <= 0) return '…'
  if (value instanceof Uint8Array) return `${value.byteLength} bytes`
  if (value instanceof URL) return redactText(value.href)
  if (Array.isArray(value)) return value.slice(0, limits.items).map((item) => redactFacts(item, below))
  const facts: Record<string, unknown> = {}
  if (value instanceof Error) {
    facts['type'] = value.name
    facts['message'] = redactText(value.message)
    if (value.stack !== undefined) facts['stack'] = redactText(value.stack)
    if (value.cause !== undefined) facts['cause'] = redactFacts(value.cause, below)
  }
  for (const [name, item] of Object.entries(value).slice(0, limits.items)) {
    if (value instanceof Error && name in facts) continue
    facts[name] = secretName.test(name) && item !== null && item !== undefined ? REDACTED : redactFacts(item, below)
  }
  return facts
}
