import type { IncomingHttpHeaders } from 'node:http'

/** Name under which the gateway shows up in `Via` and `Cache-Status`. */
export const PSEUDONYM = 'larder'

/** Fields of a request that say nothing about who is asking. With any other one the question is passed on and never shared. */
const impersonal = new Set([
  'accept',
  'accept-charset',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'connection',
  'dnt',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'keep-alive',
  'pragma',
  'priority',
  'proxy-authorization',
  'proxy-connection',
  'range',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site',
  'te',
  'trailer',
  'upgrade-insecure-requests',
  'user-agent',
  'via',
  'want-content-digest',
  'want-digest',
  'want-repr-digest',
  // What package managers say of themselves: npm, NuGet, Maven, zypper, cargo, Flatpak, Bundler, Docker. None of it is a credential, and no answer depends on it.
  'npm-auth-type',
  'npm-command',
  'npm-scope',
  'npm-session',
  'npm-in-ci',
  'pacote-integrity',
  'pacote-pkg-id',
  'pacote-req-type',
  'pacote-version',
  'x-nuget-client-version',
  'x-nuget-session-id',
  'x-nuget-protocol-version',
  'cache-store',
  'expires',
  'x-zypp-anonymousid',
  'x-zypp-distributionflavor',
  'x-suse-anonymousid',
  'cargo-protocol',
  'flatpak-ref',
  'flatpak-upgrade-from',
  'x-gemfile-source',
  'x-nuget-no-cache',
  'docker-distribution-api-version',
  'x-pip-user-agent'
])
/** A value that names a user all the same: one of a URL before its host. */
const userInfo = /:\/\/[^/\s]*@/
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings'
])
const conditions = new Set([
  'range',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since'
])

/**
 * The first field by which a request may carry something that belongs to one person (RFC 9111 §3.5 and beyond): the answer is that
 * person's alone. Null: there is none.
 */
export function personalField(headers: IncomingHttpHeaders): string | null {
  const found = Object.entries(headers).find(
    ([name, value]) =>
      (!impersonal.has(name) && !hopByHop.has(name)) || (name !== 'proxy-authorization' && userInfo.test(String(value)))
  )
  return found?.[0] ?? null
}

/** Fields that choose among representations; undefined when nothing special is asked for. */
export function choosingFields(headers: IncomingHttpHeaders): Record<string, string> | undefined {
  const accept = headers.accept?.trim()
  const chosen = {
    ...(accept !== undefined && accept !== '' && accept !== '*/*' && { accept }),
    ...(headers['accept-language'] &&
      headers['accept-language'].trim() !== '*' && { 'accept-language': headers['accept-language'] })
  }
  return Object.keys(chosen).length > 0 ? chosen : undefined
}

/** What the cache itself answers for, or takes from nobody: the origin is asked for no coding, whatever a caller takes. */
const answeredFor = new Set(['accept', 'accept-language', 'accept-encoding', 'cache-control', 'host', 'pragma', 'via'])

/** Fields of a request that are kept from the origin: an answer that depends on one of them is not this caller's. */
export function withheldFields(headers: IncomingHttpHeaders): string[] {
  return Object.keys(headers).filter((name) => !answeredFor.has(name) && !hopByHop.has(name) && !conditions.has(name))
}

/** The caller wants nothing of it stored (RFC 9111 §5.2.1.5). */
export function forbidsStoring(headers: IncomingHttpHeaders): boolean {
  return /(^|[\s,])no-store\s*($|,)/i.test(headers['cache-control'] ?? '')
}

/** The caller wants what is kept, or nothing (RFC 9111 §5.2.1.7). */
export function wantsOnlyKept(headers: IncomingHttpHeaders): boolean {
  return /(^|[\s,])only-if-cached\s*($|,)/i.test(headers['cache-control'] ?? '')
}

/** A request's end-to-end fields, and its conditions apart. */
export function fieldsToPass(headers: IncomingHttpHeaders): {
  headers: Record<string, string>
  conditions: Record<string, string>
} {
  const passed: Record<string, string> = {}
  const asked: Record<string, string> = {}
  for (const [name, value] of endToEnd(headers)) {
    if (name === 'host') continue
    ;(conditions.has(name) ? asked : passed)[name] = Array.isArray(value) ? value.join(', ') : value
  }
  passed['via'] = via(headers.via)
  return { headers: passed, conditions: asked }
}

/** An answer's end-to-end fields. */
export function answerToPass(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  return { ...Object.fromEntries(endToEnd(headers)), via: via(headers.via) }
}

/** The request has been here before, or it is the agent's own: the gateway is in the agent's proxy settings. */
export function isLoop(headers: IncomingHttpHeaders): boolean {
  return (
    /(^|[\s,])larder(?=$|[\s,])/i.test(headers.via ?? '') || /^larder\/\S+ \(agent\)/.test(headers['user-agent'] ?? '')
  )
}

/** `Via` with this hop added (RFC 9110 §7.6.3). */
export function via(before: string | undefined): string {
  return before ? `${before}, 1.1 ${PSEUDONYM}` : `1.1 ${PSEUDONYM}`
}

function endToEnd(headers: IncomingHttpHeaders): [string, string | string[]][] {
  const named = (headers.connection ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
  return Object.entries(headers).filter(
    (entry): entry is [string, string | string[]] =>
      entry[1] !== undefined && !hopByHop.has(entry[0]) && !named.includes(entry[0])
  )
}
