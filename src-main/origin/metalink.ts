import { XMLParser } from 'fast-xml-parser'
import { z } from 'zod'
import { Sha256Hex } from '../contract/ids.ts'
import { parseLinks } from './link-header.ts'
import { sameOrigin } from './url.ts'

/** Largest Metalink document that is read. */
export const MAX_METALINK_BYTES = 1024 * 1024
/** The parser takes far longer than a line of text for many attributes of one element; a Metalink has three at most. */
const MAX_TAG_CHARS = 4096
const MAX_TAGS = 20_000

/** The Metalink that describes an answer (RFC 6249 §6), on the origin of the answer; or null. */
export function metalinkUrl(linkField: string | undefined, answeredBy: string): string | null {
  for (const { target, params } of parseLinks(linkField)) {
    if (!(params.get('rel') ?? '').toLowerCase().split(/\s+/).includes('describedby')) continue
    if ((params.get('type') ?? '').toLowerCase() !== 'application/metalink4+xml') continue
    try {
      const url = new URL(target, answeredBy)
      url.hash = ''
      if (sameOrigin(url.href, answeredBy)) return url.href
    } catch {
      continue
    }
  }
  return null
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  processEntities: false,
  parseTagValue: false,
  parseAttributeValue: false,
  removeNSPrefix: true,
  isArray: (name) => name === 'file' || name === 'hash'
})

const Hash = z.object({ '@type': z.string(), '#text': z.string() })
const Described = z.object({
  '@name': z.string().optional(),
  size: z.string().optional(),
  hash: z.array(z.unknown()).default([])
})
const Document = z.object({ metalink: z.object({ file: z.array(Described) }) })

/**
 * The SHA-256 a Metalink 4 document (RFC 5854) gives for a file: the entry of this name, or the only one; its size must fit.
 * Null when there is none.
 */
export function sha256FromMetalink(
  xml: string,
  file: { names: readonly string[]; lengthBytes: number | null }
): Sha256Hex | null {
  // A document type can define entities; a Metalink needs none.
  if (xml.length > MAX_METALINK_BYTES || /<!DOCTYPE/i.test(xml) || !isOfModestTags(xml)) return null
  let parsed: unknown
  try {
    parsed = parser.parse(xml)
  } catch {
    return null
  }
  const document = Document.safeParse(parsed)
  if (!document.success) return null
  const entries = document.data.metalink.file
  const entry =
    entries.find((each) => each['@name'] !== undefined && file.names.includes(each['@name'])) ??
    (entries.length === 1 ? entries[0] : undefined)
  if (!entry) return null
  if (entry.size !== undefined && file.lengthBytes !== null && Number(entry.size) !== file.lengthBytes) return null
  for (const each of entry.hash) {
    const hash = Hash.safeParse(each)
    if (!hash.success || hash.data['@type'].toLowerCase() !== 'sha-256') continue
    const digest = Sha256Hex.safeParse(hash.data['#text'].trim().toLowerCase())
    if (digest.success) return digest.data
  }
  return null
}

/** Decided by a look at each character once, before the parser has it. */
function isOfModestTags(xml: string): boolean {
  let tags = 0
  for (let at = xml.indexOf('<'); at !== -1; at = xml.indexOf('<', at + 1)) {
    const end = xml.indexOf('>', at)
    if (++tags > MAX_TAGS || end === -1 || end - at > MAX_TAG_CHARS) return false
  }
  return true
}
