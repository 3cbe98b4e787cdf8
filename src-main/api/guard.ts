import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { proofMessage, type ApiToken } from '../contract/api.ts'
import { LarderError } from '../lib/errors.ts'

/**
 * Lets through only calls that a program made on purpose: the Host must name this listener (a page whose DNS name was
 * rebound to loopback sends its own name), and what a browser sends for a foreign page is refused.
 * @throws FORBIDDEN
 */
export function assertLocalCaller(headers: IncomingHttpHeaders, port: number): void {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]
  const host = headers.host?.toLowerCase()
  if (host === undefined || !hosts.includes(host)) throw new LarderError('FORBIDDEN', 'The Host header does not name this agent')
  const origin = headers.origin
  if (origin !== undefined && !hosts.some((own) => origin === `http://${own}`)) throw new LarderError('FORBIDDEN', 'Calls from web pages are refused')
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') throw new LarderError('FORBIDDEN', 'Calls from web pages are refused')
}

/** Checks `Authorization: Bearer …` in constant time. @throws TOKEN_INVALID */
export function assertToken(authorization: string | undefined, token: ApiToken): void {
  const given = /^Bearer +(\S{1,256})$/i.exec(authorization ?? '')?.[1]
  if (given === undefined) throw new LarderError('TOKEN_INVALID', 'The call carries no token of this agent')
  if (!timingSafeEqual(sha256(given), sha256(token))) throw new LarderError('TOKEN_INVALID', 'The token is not the one of this agent')
}

/** Shows a caller that this listener knows the token, without telling it. */
export function proveToken(token: ApiToken, challenge: string, port: number): string {
  return createHmac('sha256', token).update(proofMessage(challenge, port)).digest('hex')
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()
