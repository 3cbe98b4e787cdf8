export interface Link {
  readonly target: string
  /** Names in lower case; the first of each counts. */
  readonly params: ReadonlyMap<string, string>
}

const MAX_FIELD_LENGTH = 16 * 1024
const MAX_LINKS = 64

/** Reads `Link` (RFC 8288 §3). What cannot be read ends the list; what was read before counts. */
export function parseLinks(field: string | undefined): Link[] {
  const links: Link[] = []
  if (field === undefined || field.length > MAX_FIELD_LENGTH) return links
  const target = /[\s,]*<([^>]*)>/y
  const param = /\s*;\s*([!#$%&'*+.^_`|~\w-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?/y
  let at = 0
  while (links.length < MAX_LINKS) {
    target.lastIndex = at
    const found = target.exec(field)
    if (!found) return links
    at = target.lastIndex
    const params = new Map<string, string>()
    for (;;) {
      param.lastIndex = at
      const next = param.exec(field)
      if (!next) break
      at = param.lastIndex
      const name = next[1]!.toLowerCase()
      if (!params.has(name)) params.set(name, next[2] !== undefined ? next[2].replace(/\\(.)/g, '$1') : (next[3] ?? ''))
    }
    links.push({ target: found[1]!, params })
  }
  return links
}
