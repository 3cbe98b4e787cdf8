import { sameOrigin } from './url.ts'

/** Fields Larder sets itself, and fields that belong to the connection; a caller's are left out. */
const reserved = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'range',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'want-digest',
  'want-repr-digest'
])
/** What a caller's request may tell another origin after a redirect. */
const portable = new Set(['accept', 'accept-language', 'user-agent'])
const credential = /^(cookie2?|authorization)$|auth|token|secret|session|passw|credential|api-?key/

/** True for a field that says who is asking. Such a request is private. */
export function isCredentialField(name: string): boolean {
  return credential.test(name.toLowerCase())
}

/** Fields that cannot carry a secret. */
const harmless = new Set(['accept', 'accept-language', 'user-agent', 'referer'])

/** True when a field may say who is asking, be it one nobody has heard of; what is answered then belongs to that user alone. */
export function mayCarryCredentials(headers: Readonly<Record<string, string>> = {}): boolean {
  return Object.keys(headers).some((name) => !harmless.has(name.toLowerCase()))
}

/** A caller's fields as they may be sent: lower case, without reserved, conditional and empty ones. */
export function callerFields(headers: Readonly<Record<string, string>>): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    const key = name.toLowerCase()
    if (!reserved.has(key) && !key.startsWith('if-') && value !== '') fields[key] = value
  }
  return fields
}

/** The fields for one step of a chain of redirects: all of them at the origin the caller named, harmless ones elsewhere. */
export function fieldsFor(
  fields: Readonly<Record<string, string>>,
  named: string,
  hop: string
): Record<string, string> {
  if (sameOrigin(named, hop)) return { ...fields }
  return Object.fromEntries(Object.entries(fields).filter(([name]) => portable.has(name)))
}
