import { once } from 'node:events'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { AskedBy } from '../../contract/asked-by.ts'
import { sleep, type Clock } from '../../lib/clock.ts'
import { hasCode, LarderError } from '../../lib/errors.ts'
import type { Chooser } from '../../origin/address-policy.ts'
import { fileNameOf, hostOf } from '../../origin/url.ts'
import type { LookUp, LookUpOptions, Reading, FoundContent } from '../../requests/reading.ts'
import type { PassedAnswer } from '../../origin/origin.ts'
import type { ByteSpan } from '../../requests/growing-reader.ts'
import { errorAnswer } from '../error-answer.ts'
import { programName } from '../program-name.ts'
import { decideAnswer } from './decide-answer.ts'
import {
  answerToPass,
  choosingFields,
  fieldsToPass,
  forbidsStoring,
  personalField,
  PSEUDONYM,
  wantsOnlyKept,
  withheldFields
} from './fields.ts'
import type { GatewayTarget } from './target.ts'

/** The head of an answer waits this long for the first byte, so that a failure still gets a status of its own. */
const HEAD_WAIT_MS = 5000

/** What the gateway needs of the agent. */
export interface GatewayAgent {
  /** Why contents are not shared right now; null when they are. */
  readonly notSharing: () => 'integration-off' | null
  readonly isPaused: () => boolean
  lookUp(url: string, options: LookUpOptions): Promise<LookUp>
  open(content: FoundContent, span: ByteSpan, askedBy: AskedBy): Reading
  pass(
    url: string,
    options: {
      method: 'GET' | 'HEAD'
      headers: Record<string, string>
      conditions: Record<string, string>
      chooser: Chooser
      signal: AbortSignal
    },
    why: string,
    /** The field of the request that makes it private. */
    field?: string
  ): Promise<PassedAnswer>
}

/**
 * Answers one call whose caller may ask for this URL. Ends when the answer has been taken or the caller is gone; what nobody
 * waits for any more is cancelled then.
 * @throws LarderError as long as nothing has been sent
 */
export async function serve(
  agent: GatewayAgent,
  clock: Clock,
  request: IncomingMessage,
  response: ServerResponse,
  target: GatewayTarget,
  chooser: Chooser
): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort(new LarderError('CANCELLED', 'The caller is gone')))
  const { headers } = request
  const method = request.method === 'HEAD' ? 'HEAD' : 'GET'
  const passed = (why: string, field?: string) =>
    pass(agent, request, response, { ...target, chooser }, { why, field }, gone.signal)

  const paused = agent.isPaused()
  const pausedHere = () =>
    new LarderError('BUSY', 'All transfers are paused on this PC; `larder resume` lets them go on')
  const field = target.authorization !== null ? 'authorization' : personalField(headers)
  const off = agent.notSharing()
  const unstored = forbidsStoring(headers)
  const onlyKept = wantsOnlyKept(headers)
  if (onlyKept && (field !== null || off !== null || unstored))
    throw new LarderError('NOT_KEPT', 'What this request asks for is never kept on this PC')
  if (paused && (field !== null || off !== null || unstored)) throw pausedHere()
  if (field !== null) return passed('private', field)
  if (off !== null) return passed(off)
  if (unstored) return passed('not-shareable', 'cache-control')

  const found = await agent
    .lookUp(target.url, {
      headers: choosingFields(headers),
      withheld: withheldFields(headers),
      chooser,
      whole:
        !paused && method === 'GET' && !Object.keys(headers).some((name) => name === 'range' || name.startsWith('if-')),
      allowStale: /\b(max-stale|stale-if-error)\b/i.test(headers['cache-control'] ?? ''),
      onlyKept,
      signal: gone.signal
    })
    .catch((error: unknown) => {
      // The origin wants to know who is asking: its challenge is for the caller.
      if (hasCode(error, 'ORIGIN_FORBIDDEN')) return null
      throw error
    })
  // What is here is given; nothing more is fetched.
  if (paused && !(found?.is === 'content' && found.content.cached)) throw pausedHere()
  if (found === null) return passed('forbidden')
  if (found.is === 'pass') return passed(found.reason)
  const { content } = found
  const answer = decideAnswer(method, target.form === 'query' ? withoutBlindResume(headers) : headers, content)
  const named = target.form === 'query' ? namedAfter(target.url, answer.headers) : answer.headers
  if (answer.span === null) {
    response.writeHead(answer.status, {
      ...named,
      'cache-status': statusOf(content.cached ? 'cache' : 'none', content.stale)
    })
    response.end()
    return
  }
  const reading = agent.open(content, answer.span, {
    by: 'gateway',
    program: programName(headers['user-agent']),
    user: null
  })
  // A reader that is gone must not wait for the next piece.
  gone.signal.addEventListener('abort', () => reading.close(), { once: true })
  try {
    await stream(reading, { ...answer, headers: named, stale: content.stale }, response, clock, gone.signal)
  } catch (error) {
    if (!response.headersSent) throw error
    // The length was promised: breaking off is how the caller learns that this is not all.
    response.destroy()
  } finally {
    reading.close()
  }
}

/**
 * A tool that names files by the path of the URL calls everything it gets by `/fetch?url=…` the same, and resumes one file with another: a
 * range that goes to the end counts only with the validator it began with.
 */
function withoutBlindResume(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const blind = headers['if-range'] === undefined && /^bytes=0*[1-9]\d*-$/.test(headers.range ?? '')
  return blind ? { ...headers, range: undefined } : headers
}

/** The file's own name, where the origin gives it none and the path of the call says nothing. */
function namedAfter(url: string, headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const name = fileNameOf(url)
  if (name === '' || headers['content-disposition'] !== undefined) return headers
  const plain = name.replaceAll(/[^\x20-\x7e]|["\\/]/g, '_')
  // RFC 8187, beside the form that older tools read.
  const whole = encodeURIComponent(name).replaceAll(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
  return { ...headers, 'content-disposition': `attachment; filename="${plain}"; filename*=UTF-8''${whole}` }
}

async function stream(
  reading: Reading,
  answer: { status: number; headers: Readonly<Record<string, string>>; stale: boolean },
  response: ServerResponse,
  clock: Clock,
  gone: AbortSignal
): Promise<void> {
  const writeHead = () =>
    response.writeHead(answer.status, {
      ...answer.headers,
      'cache-status': statusOf(reading.source(), answer.stale),
      ...(reading.requestId !== null && { 'larder-request': reading.requestId })
    })
  const { bytes } = reading
  try {
    const first = bytes.next()
    first.catch(() => {})
    await Promise.race([first, sleep(clock, HEAD_WAIT_MS, gone)])
    writeHead()
    // `flushHeaders` writes UTF-8, in which fields that the origin sent as UTF-8 would be coded twice.
    response.write('', 'latin1')
    for (let step = await first; step.done !== true; step = await bytes.next()) {
      if (!response.write(step.value)) await once(response, 'drain', { signal: gone })
    }
    response.end()
  } finally {
    // A generator that waits for a piece ends when its signal says so, not when it is told to return.
    reading.close()
    await bytes.return(undefined).catch(() => {})
  }
}

async function pass(
  agent: GatewayAgent,
  request: IncomingMessage,
  response: ServerResponse,
  target: GatewayTarget & { readonly chooser: Chooser },
  { why, field }: { why: string; field?: string | undefined },
  signal: AbortSignal
): Promise<void> {
  const { headers, conditions } = fieldsToPass(request.headers)
  if (target.authorization !== null) headers['authorization'] ??= target.authorization
  const method = request.method === 'HEAD' ? 'HEAD' : 'GET'
  const answer = await agent.pass(
    target.url,
    { method, headers, conditions, chooser: target.chooser, signal },
    why,
    field
  )
  if (answer.status < 200 || answer.status > 999) {
    answer.body.destroy()
    throw new LarderError('ORIGIN_PROTOCOL', `${hostOf(target.url)} answered with status ${answer.status}.`, {
      host: hostOf(target.url),
      status: answer.status
    })
  }
  response.writeHead(answer.status, {
    ...answerToPass(answer.headers),
    'cache-status': `${PSEUDONYM}; fwd=bypass; detail=${why}${field === undefined ? '' : `-${field}`}`
  })
  if (request.method === 'HEAD') {
    answer.body.destroy()
    response.end()
    return
  }
  await pipeline(answer.body, response, { signal }).catch(() => {
    answer.body.destroy()
    response.destroy()
  })
}

/** `Cache-Status` (RFC 9211): where the bytes come from. */
function statusOf(source: 'cache' | 'peers' | 'origin' | 'none', stale: boolean): string {
  if (source === 'cache') return stale ? `${PSEUDONYM}; hit; detail=stale` : `${PSEUDONYM}; hit`
  return source === 'none' ? `${PSEUDONYM}; fwd=miss` : `${PSEUDONYM}; fwd=miss; detail=${source}`
}

/** Sends an error as an answer: the origin's own status where it gave one, and what to do next. */
export function refuse(
  response: ServerResponse,
  thrown: unknown,
  method: string | undefined,
  url: string | null
): void {
  if (response.headersSent || response.destroyed) return void response.destroy()
  const { status, view } = errorAnswer(thrown)
  const told = view.details?.['status']
  const own = view.code.startsWith('ORIGIN_') && typeof told === 'number' && told >= 400 && told <= 599 ? told : status
  const body = `${JSON.stringify(view)}\n`
  const lengthBytes = view.details?.['lengthBytes']
  response.writeHead(view.code === 'TOKEN_INVALID' ? 407 : own, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'larder-error': view.code,
    ...(url !== null && { 'cache-status': `${PSEUDONYM}; fwd=miss; detail=${hostOf(url) === '' ? 'none' : 'error'}` }),
    ...(view.code === 'TOKEN_INVALID' && { 'proxy-authenticate': 'Basic realm="larder gateway"' }),
    ...(view.code === 'GATEWAY_METHOD' && { allow: 'GET, HEAD' }),
    ...(view.code === 'RANGE_UNSATISFIABLE' && { 'content-range': `bytes */${lengthBytes}` }),
    ...((status === 503 || status === 504) && view.code !== 'NOT_KEPT' && { 'retry-after': '1' })
  })
  response.end(method === 'HEAD' ? undefined : body)
}
