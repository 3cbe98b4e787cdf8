// Why it is like this: docs/decisions/0076-a-representation-is-part-of-the-name.md
import { createHash } from 'node:crypto'

/** `Vary` names one of these fields (lower case), or `*`; null: only `*` counts. */
export function variesBy(vary: string | undefined, fields: readonly string[] | null): boolean {
  const names = namesIn(vary)
  return names.includes('*') || (fields !== null && names.some((name) => fields.includes(name)))
}

/**
 * Which of several representations a request gets: a name made from the fields that the answer's `Vary` names and the caller sent.
 * Null: the caller sent none of them, and gets what everybody gets who chooses nothing.
 */
export function variantOf(
  vary: string | undefined,
  fields: Readonly<Record<string, string>> | undefined
): string | null {
  const names = new Set(namesIn(vary))
  const chosen = Object.entries(fields ?? {})
    .map(([name, value]) => [name.toLowerCase(), value.trim()] as const)
    .filter(([name]) => names.has(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  if (chosen.length === 0) return null
  return createHash('sha256').update(JSON.stringify(chosen)).digest('hex').slice(0, 32)
}

/** What a version is known by: its URL, and which representation it is where there are several. No URL asked for has a fragment. */
export function sourceName({
  url,
  knownBy = url,
  variant
}: {
  readonly url: string
  readonly knownBy?: string | undefined
  readonly variant?: string | null | undefined
}): string {
  return variant ? `${knownBy}#variant=${variant}` : knownBy
}

/** The URL in a {@link sourceName}. */
export function urlOfSource(name: string): string {
  return name.replace(/#variant=[0-9a-f]{32}$/, '')
}

function namesIn(vary: string | undefined): string[] {
  return (vary ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}
