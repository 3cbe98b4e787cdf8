import { parseJsonText, type FileText } from './settings-text.ts'

/** One file of a policy. */
export interface PolicyPart {
  readonly place: string
  readonly found: FileText
}

/** Where a value of a merged policy came from, and who answers for it. */
export interface PolicyOrigin {
  readonly place: string
  readonly by?: string | undefined
  readonly reason?: string | undefined
}

/** The field of a merged policy that has the {@link PolicyOrigin} of each name; no file may have it. */
export const ORIGINS = '$origins'

type Json = Record<string, unknown>
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The policy file and the drop-ins of `policy.d` as one policy, in order: a later one rules over an earlier one, name by name; what
 * one has locked stays locked. One that is broken breaks the policy, so that no half of it is in force.
 */
export function mergePolicies(parts: readonly PolicyPart[]): FileText {
  const there = parts.filter(({ found }) => found !== undefined)
  if (there.length <= 1 && there[0]?.place === parts[0]?.place) return there[0]?.found
  const merged: Json = { recommended: {}, settings: {}, locked: [] }
  const origins: Record<string, PolicyOrigin> = {}
  let modifiedMs = 0
  for (const { place, found } of there) {
    if (!found) continue
    if ('unreadable' in found) return { unreadable: `${place}: ${found.unreadable}` }
    const parsed = parseJsonText(found.text)
    if (!parsed.ok) return { unreadable: `${place}, line ${parsed.problem.line}: ${parsed.problem.reason}` }
    const policy = parsed.value.value as Json
    modifiedMs = Math.max(modifiedMs, found.modifiedMs)
    const origin = { place, by: textOf(policy['by']), reason: textOf(policy['reason']) }
    for (const kind of ['recommended', 'settings'] as const) {
      const sections = policy[kind] ?? {}
      if (!isObject(sections)) return { unreadable: `${place}: ${kind} is not an object` }
      for (const [section, values] of Object.entries(sections)) {
        if (!isObject(values)) return { unreadable: `${place}: ${kind}.${section} is not an object` }
        const before = (merged[kind] as Json)[section]
        ;(merged[kind] as Json)[section] = { ...(before as Json | undefined), ...values }
        for (const name of Object.keys(values)) origins[`${kind} ${section}.${name}`] = origin
      }
    }
    const locked = policy['locked'] ?? []
    if (!Array.isArray(locked)) return { unreadable: `${place}: locked is not a list` }
    merged['locked'] = [...new Set([...(merged['locked'] as unknown[]), ...(locked as unknown[])])]
    for (const name of ['by', 'reason']) if (policy[name] !== undefined) merged[name] = policy[name]
  }
  return { text: JSON.stringify({ ...merged, [ORIGINS]: origins }), modifiedMs }
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
