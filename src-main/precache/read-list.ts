import { PrecacheItem, PrecacheList, MAX_PRECACHE_ITEMS } from '../contract/precache.ts'
import { LarderError } from '../lib/errors.ts'
import { readChecksumLine, signedLines } from './checksum-line.ts'

/** Longest list that is read, characters. */
export const MAX_LIST_CHARS = 4 * 1024 * 1024

/**
 * Reads a list of contents in one of three forms:
 *
 *     { "items": [{ "url": "setup.msi", "integrity": "sha256-…", "pinDays": 30 }, "other.bin"] }
 *     https://example.com/setup.msi sha256-…          one per line, digest optional, # begins a comment
 *     9f86d081…  setup.msi                            as `sha256sum` writes it, tagged and signed ones too
 *
 * @param base URL of the list; relative names are taken from there. Null: they stay as they are.
 * @throws BAD_REQUEST with the line or the item and the reason
 */
export function readPrecacheList(text: string, base: string | null): PrecacheItem[] {
  if (text.length > MAX_LIST_CHARS)
    throw refuse('the list', `has ${text.length} characters, at most ${MAX_LIST_CHARS} are read`)
  if (text.includes('\0'))
    throw refuse(
      'the list',
      'is written in UTF-16 or is not text; write it as UTF-8 (PowerShell: `Out-File -Encoding utf8`)'
    )
  const plain = text.replace(/^\uFEFF/, '')
  const items = /^\s*[[{]/.test(plain) ? fromJson(plain) : fromLines(plain)
  if (items.length > MAX_PRECACHE_ITEMS)
    throw refuse('the list', `has ${items.length} items, at most ${MAX_PRECACHE_ITEMS} are read`)
  return items.map((item, i) => ({ ...item, url: absolute(item.url, base, `item ${i + 1}`) }))
}

function fromJson(text: string): PrecacheItem[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw refuse('the list', `is no JSON: ${(error as Error).message}`)
  }
  const parsed = PrecacheList.safeParse(Array.isArray(value) ? { items: value } : value)
  if (parsed.success) return parsed.data.items
  const issue = parsed.error.issues[0]
  throw refuse(issue?.path.join('.') || 'the list', issue?.message ?? 'is invalid')
}

function fromLines(text: string): PrecacheItem[] {
  const items: PrecacheItem[] = []
  for (const [i, raw] of signedLines(text).entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const sum = readChecksumLine(line)
    if (sum && 'otherKind' in sum)
      throw refuse(`line ${i + 1}`, `names a digest of the kind ${sum.otherKind}; SHA-256 is read`)
    const [first, ...rest] = line.split(/\s+/)
    const item = sum ?? { url: first!, ...(rest[0] !== undefined && { integrity: rest[0] }) }
    if (!sum && rest.length > 1) throw refuse(`line ${i + 1}`, 'has more than a URL and a digest')
    const parsed = PrecacheItem.safeParse(item)
    if (!parsed.success) throw refuse(`line ${i + 1}`, parsed.error.issues[0]?.message ?? 'is invalid')
    items.push(parsed.data)
  }
  return items
}

function absolute(url: string, base: string | null, place: string): string {
  if (base === null) return url
  const resolved = URL.parse(url, base)
  if (!resolved) throw refuse(place, `${url.slice(0, 100)} is no URL`)
  return resolved.href
}

function refuse(place: string, reason: string): LarderError {
  return new LarderError('BAD_REQUEST', `The pre-cache list cannot be read: ${place} ${reason}`, { field: place })
}
