import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { proofMessage, type ApiToken } from '../contract/api.ts'
import { UI_PATH } from '../contract/ui.ts'
import { LarderError } from '../lib/errors.ts'

/** One call, before anything of it but its header is read. */
export interface CallHead {
  readonly method: string
  /** Path and query as they were sent. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

/**
 * Lets through only calls that a program made on purpose: the Host must name this listener (a page whose DNS name was
 * rebound to loopback sends its own name), and what a browser sends for a foreign page is refused. Opening the window in a
 * tab of its own is none of these, wherever the link to it stands.
 * @throws FORBIDDEN
 */
export function assertLocalCaller(head: CallHead, port: number): void {
  const { headers } = head
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]
  const host = headers.host?.toLowerCase()
  if (host === undefined || !hosts.includes(host))
    throw new LarderError('FORBIDDEN', 'The Host header does not name this agent')
  const origin = headers.origin
  if (origin !== undefined && !hosts.some((own) => origin === `http://${own}`))
    throw new LarderError('FORBIDDEN', 'Calls from web pages are refused')
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !opensWindow(head))
    throw new LarderError('FORBIDDEN', 'Calls from web pages are refused')
}

/** A tab goes to the page of the window: no frame, no script, no form. The page's own policy keeps it out of frames as well. */
function opensWindow({ method, url, headers }: CallHead): boolean {
  return (
    method === 'GET' &&
    headers['sec-fetch-mode'] === 'navigate' &&
    headers['sec-fetch-dest'] === 'document' &&
    url.split('?', 1)[0] === UI_PATH
  )
}

/** The token of `Authorization: Bearer …`. */
export function bearerOf(authorization: string | undefined): string | undefined {
  return /^Bearer +(\S{1,256})$/i.exec(authorization ?? '')?.[1]
}

/** Checks `Authorization: Bearer …` in constant time. @throws TOKEN_INVALID */
export function assertToken(authorization: string | undefined, token: ApiToken): void {
  const given = bearerOf(authorization)
  if (given === undefined) throw new LarderError('TOKEN_INVALID', 'The call does not carry a token of this agent')
  if (!timingSafeEqual(sha256(given), sha256(token)))
    throw new LarderError('TOKEN_INVALID', 'The token is not the one of this agent')
}

/** Shows a caller that this listener knows the token, without telling it. */
export function proveToken(token: ApiToken, challenge: string, port: number): string {
  return createHmac('sha256', token).update(proofMessage(challenge, port)).digest('hex')
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()
