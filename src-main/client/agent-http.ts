import { createParser } from 'eventsource-parser'
import {
  apiRoutes,
  type ApiAnswer,
  type ApiBodyInput,
  type ApiParams,
  type ApiQueryInput,
  type ApiRoute,
  type ApiRouteName
} from '../contract/api.ts'
import { ErrorView } from '../contract/errors.ts'
import { LarderError } from '../lib/errors.ts'
import type { AgentAddress } from './local-files.ts'

/** Longest JSON answer and longest message of a stream that is read. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024

/** What one call needs beside the route's name. */
export interface CallInput<N extends ApiRouteName> {
  readonly params?: ApiParams<N>
  readonly query?: ApiQueryInput<N>
  readonly body?: ApiBodyInput<N>
  readonly signal?: AbortSignal
}

/** One message of a stream, its data parsed from JSON. */
export interface StreamMessage {
  readonly event: string
  readonly id: string | undefined
  readonly data: unknown
}

/** Calls of the local API by the name of the route. */
export class AgentHttp {
  readonly #address: AgentAddress

  constructor(address: AgentAddress) {
    this.#address = address
  }

  /** @throws the agent's own error; AGENT_NOT_RUNNING when it cannot be reached; AGENT_UNSUPPORTED when the answer is not understood */
  async call<N extends ApiRouteName>(name: N, input: CallInput<N> = {}): Promise<ApiAnswer<N>> {
    const response = await this.#send(name, input, 'application/json')
    const json: unknown = parseAnswer(await readBounded(response))
    const schema = (apiRoutes[name] as ApiRoute).answer
    const answer = schema?.safeParse(json)
    if (answer && !answer.success)
      throw new LarderError('AGENT_UNSUPPORTED', 'The agent’s answer is not understood', {
        field: answer.error.issues[0]?.path.join('.') ?? ''
      })
    return answer?.data as ApiAnswer<N>
  }

  /** Messages of a streaming route until either side ends it. Breaking off ends the call. @throws as `call` */
  async *stream<N extends ApiRouteName>(name: N, input: CallInput<N> = {}): AsyncGenerator<StreamMessage> {
    const response = await this.#send(name, input, 'text/event-stream')
    const messages: StreamMessage[] = []
    let damaged = false
    const parser = createParser({
      maxBufferSize: MAX_ANSWER_BYTES,
      onEvent: ({ event, id, data }) => messages.push({ event: event ?? 'message', id, data: parseAnswer(data) }),
      onError: (error) => (damaged = error.type === 'max-buffer-size-exceeded')
    })
    const decoder = new TextDecoder()
    try {
      for await (const chunk of response.body ?? []) {
        parser.feed(decoder.decode(chunk, { stream: true }))
        yield* messages.splice(0)
        if (damaged) throw new LarderError('AGENT_UNSUPPORTED', 'A message of the agent is too long')
      }
    } catch (error) {
      throw unreachable(error, input.signal)
    }
  }

  /** The answer as it comes; the caller reads its body. @throws as `call` */
  bytes<N extends ApiRouteName>(name: N, input: CallInput<N> = {}): Promise<Response> {
    return this.#send(name, input, '*/*')
  }

  async #send<N extends ApiRouteName>(name: N, input: CallInput<N>, accept: string): Promise<Response> {
    const route: ApiRoute = apiRoutes[name]
    const params = (input.params ?? {}) as Record<string, string>
    const path = route.path.replace(/:([a-zA-Z0-9]+)/g, (_whole, key: string) => encodeURIComponent(params[key] ?? ''))
    const url = new URL(path, `http://127.0.0.1:${this.#address.port}`)
    for (const [key, value] of Object.entries(input.query ?? {}))
      if (value !== undefined) url.searchParams.set(key, String(value as string | number | boolean))
    let response: Response
    try {
      response = await fetch(url, {
        method: route.method,
        redirect: 'error',
        headers: {
          accept,
          ...(route.access === 'token' && { authorization: `Bearer ${this.#address.token}` }),
          ...(route.body && { 'content-type': 'application/json' })
        },
        ...(route.body && { body: JSON.stringify(input.body ?? {}) }),
        ...(input.signal && { signal: input.signal })
      })
    } catch (error) {
      throw unreachable(error, input.signal)
    }
    if (response.ok) return response
    const view = ErrorView.safeParse(parseAnswer(await readBounded(response))).data
    throw view
      ? LarderError.fromView(view)
      : new LarderError('AGENT_UNSUPPORTED', `The agent answers with status ${response.status}`, {
          status: response.status
        })
  }
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.byteLength
      if (bytes > MAX_ANSWER_BYTES) throw new LarderError('AGENT_UNSUPPORTED', 'The agent’s answer is too long')
      chunks.push(chunk)
    }
  } catch (error) {
    throw unreachable(error, undefined)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new LarderError('AGENT_UNSUPPORTED', 'The agent’s answer is not JSON')
  }
}

function unreachable(error: unknown, signal: AbortSignal | undefined): unknown {
  if (error instanceof LarderError) return error
  if (signal?.aborted) return signal.reason
  return new LarderError('AGENT_NOT_RUNNING', 'The agent does not answer', { cause: error })
}
