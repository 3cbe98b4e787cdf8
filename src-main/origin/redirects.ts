import { LarderError } from '../lib/errors.ts'
import { hostOf, normaliseUrl, separateCredentials } from './url.ts'

/** Most redirects followed for one request. */
export const MAX_REDIRECTS = 10

const redirectStatuses = new Set([301, 302, 303, 307, 308])

export function isRedirect(status: number, location: string | undefined): location is string {
  return location !== undefined && redirectStatuses.has(status)
}

/**
 * Where a redirect leads. Refuses circles, more than {@link MAX_REDIRECTS}, other schemes, the step from https to http, and
 * the step from another machine to this one (an origin must not reach services that trust this PC). User names in the target
 * are dropped.
 * @param visited URLs asked so far, the redirecting one last
 * @throws ORIGIN_REDIRECTS
 */
export function nextHop(visited: readonly string[], location: string): string {
  const from = visited.at(-1)!
  const refuse = (why: string) =>
    new LarderError('ORIGIN_REDIRECTS', `${hostOf(from)} ${why}.`, { host: hostOf(from), redirects: visited.length })
  if (visited.length > MAX_REDIRECTS) throw refuse(`redirects more than ${MAX_REDIRECTS} times`)
  let target: string
  try {
    target = separateCredentials(normaliseUrl(new URL(location, from).href)).url
  } catch {
    throw refuse('redirects to something that is no http or https URL')
  }
  if (visited.includes(target)) throw refuse('redirects in a circle')
  if (from.startsWith('https:') && target.startsWith('http:'))
    throw refuse(`redirects from https to http (${hostOf(target)})`)
  if (!isThisMachine(from) && isThisMachine(target)) throw refuse('redirects to this PC itself')
  return target
}

function isThisMachine(href: string): boolean {
  const host = new URL(href).hostname.replace(/\.$/, '')
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host.startsWith('127.') ||
    host === '0.0.0.0' ||
    host === '[::1]' ||
    host === '[::]' ||
    host.startsWith('[::ffff:7f')
  )
}
