import { LarderError } from '../lib/errors.ts'
import { hostOf, normaliseUrl, separateCredentials } from './url.ts'

/** Most redirects followed for one request. */
export const MAX_REDIRECTS = 10

const redirectStatuses = new Set([301, 302, 303, 307, 308])

export function isRedirect(status: number, location: string | undefined): location is string {
  return location !== undefined && redirectStatuses.has(status)
}

/**
 * Where a redirect leads. Refuses circles, more than {@link MAX_REDIRECTS}, other schemes and the step from https to http;
 * user names in the target are dropped. Whether the address it leads to may be reached shows when it is connected to.
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
  return target
}
