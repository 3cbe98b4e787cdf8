import { redactFacts, redactText } from './redact.ts'

/** Shorter values are words of their own and would take half of a text along. */
const LEAST_SECRET = 4
const LIMITS = { depth: 16, items: 10_000 } as const

/** Takes secrets out of what leaves this PC. */
export interface Redactor {
  text(text: string): string
  /** A copy of anything that JSON can hold. */
  facts(value: unknown): unknown
}

/** Takes out what looks like a secret, and these values wherever they stand: as they are, percent-encoded, or in base64. */
export function createRedactor(secrets: readonly string[]): Redactor {
  const spellings = new Set(
    secrets
      .filter(({ length }) => length >= LEAST_SECRET)
      .flatMap((secret) => [
        secret,
        decode(secret),
        encodeURIComponent(secret),
        Buffer.from(secret, 'utf8').toString('base64').replace(/=+$/, '')
      ])
  )
  // Longer ones first: one may be a part of another.
  const known = [...spellings].sort((a, b) => b.length - a.length)
  const byValue = (text: string) => known.reduce((left, secret) => left.replaceAll(secret, '[redacted]'), text)
  const deep = (value: unknown): unknown => {
    if (typeof value === 'string') return byValue(value)
    if (Array.isArray(value)) return value.map(deep)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [byValue(name), deep(item)]))
  }
  return { text: (text) => redactText(byValue(text)), facts: (value) => redactFacts(deep(value), LIMITS) }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
