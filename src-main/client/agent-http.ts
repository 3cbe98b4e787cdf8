import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'
import { createParser } from 'eventsource-parser'
import { ErrorView } from '../contract/errors.ts'
import { callOf, filledPath, httpForm } from '../contract/operations/http-form.ts'
import { loadOperation } from '../contract/operations/load-operation.ts'
import type { AnswerOf, ApiOperationName, InputOf } from '../contract/operations/operations.ts'
import { LARDER_VERSION } from '../contract/version.ts'
import { LarderError } from '../lib/errors.ts'
import type { AgentAddress } from './local-files.ts'

/** Kept for the next call; the agent keeps its side far longer, so that no call meets a connection that is just being closed. */
const IDLE_MS = 4000
/** Longest JSON answer and longest message of a stream that is read. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024

/** Input of one call. Where the agent tells people who did it, `by` says so. */
export type CallInput<N extends ApiOperationName> = InputOf<N> & { readonly by?: string }
/** Nothing has to be given for an operation whose fields all have defaults. */
export type CallArguments<N extends ApiOperationName> =
  object extends InputOf<N>
    ? [input?: CallInput<N>, options?: Cancellable]
    : [input: CallInput<N>, options?: Cancellable]

export interface Cancellable {
  readonly signal?: AbortSignal
}

/** One message of a stream, its data parsed from JSON. */
export interface StreamMessage {
  readonly event: string
  readonly id: string | undefined
  readonly data: unknown
}

/** Calls of the local API by the name of the operation. By `node:http`: to load `fetch` takes as long as a whole command may. */
export class AgentHttp {
  readonly #address: Pick<AgentAddress, 'port' | 'token'>
  readonly #userAgent: string
  readonly #connections = new Agent({ keepAlive: true, timeout: IDLE_MS })

  /** @param program that calls; shown to people as who asked */
  constructor(address: Pick<AgentAddress, 'port' | 'token'>, program?: string) {
    this.#address = address
    this.#userAgent = userAgent(program)
  }

  /** @throws the agent's own error; AGENT_NOT_RUNNING when it cannot be reached; AGENT_UNSUPPORTED when the answer is not understood */
  async call<N extends ApiOperationName>(name: N, ...[input, options]: CallArguments<N>): Promise<AnswerOf<N>> {
    const response = await this.#send(name, input ?? {}, options, 'application/json')
    const json: unknown = parseAnswer(await readBounded(response, options?.signal))
    const answer = (await loadOperation(name)).answer?.safeParse(json)
    if (answer && !answer.success)
      throw new LarderError('AGENT_UNSUPPORTED', 'The agent sent an answer that this program does not understand', {
        field: answer.error.issues[0]?.path.join('.') ?? ''
      })
    return answer?.data as AnswerOf<N>
  }

  /** Messages of a streaming route until either side ends it. Breaking off ends the call. @throws as `call` */
  async *stream<N extends ApiOperationName>(
    name: N,
    ...[input, options]: CallArguments<N>
  ): AsyncGenerator<StreamMessage> {
    const response = await this.#send(name, input ?? {}, options, 'text/event-stream')
    const messages: StreamMessage[] = []
    let damaged = false
    const parser = createParser({
      maxBufferSize: MAX_ANSWER_BYTES,
      onEvent: ({ event, id, data }) => messages.push({ event: event ?? 'message', id, data: parseAnswer(data) }),
      onError: (error) => (damaged = error.type === 'max-buffer-size-exceeded')
    })
    const decoder = new TextDecoder()
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        parser.feed(decoder.decode(chunk, { stream: true }))
        yield* messages.splice(0)
        if (damaged) throw new LarderError('AGENT_UNSUPPORTED', 'A message from the agent is too long')
      }
    } catch (error) {
      throw unreachable(error, options?.signal)
    }
  }

  /** The answer as it comes; the caller reads it. @throws as `call` */
  bytes<N extends ApiOperationName>(name: N, ...[input, options]: CallArguments<N>): Promise<IncomingMessage> {
    return this.#send(name, input ?? {}, options, '*/*')
  }

  async #send(
    name: ApiOperationName,
    input: object,
    { signal }: Cancellable = {},
    accept: string
  ): Promise<IncomingMessage> {
    const operation = await loadOperation(name)
    const { method, path, body } = httpForm(operation)
    const parts = callOf(operation, input as Record<string, unknown>)
    const url = new URL(filledPath(path, parts.params), `http://127.0.0.1:${this.#address.port}`)
    for (const [key, value] of Object.entries(parts.query))
      if (value !== undefined) url.searchParams.set(key, String(value as string | number | boolean))
    const sent = body && Buffer.from(JSON.stringify(parts.body))
    let response: IncomingMessage
    try {
      signal?.throwIfAborted()
      const call = request(url, {
        method,
        agent: this.#connections,
        headers: {
          accept,
          'user-agent': this.#userAgent,
          ...(operation.who !== 'anyone' && { authorization: `Bearer ${this.#address.token}` }),
          ...(sent && { 'content-type': 'application/json', 'content-length': sent.length })
        },
        ...(signal && { signal })
      })
      // What ends it later is told by its answer.
      call.on('error', () => {})
      call.end(sent)
      response = ((await once(call, 'response')) as [IncomingMessage])[0]
    } catch (error) {
      throw unreachable(error, signal)
    }
    const status = response.statusCode!
    if (status >= 200 && status < 300) return response
    const view = ErrorView.safeParse(parseAnswer(await readBounded(response, signal))).data
    throw view
      ? LarderError.fromView(view)
      : new LarderError('AGENT_UNSUPPORTED', `The agent answers with status ${status}`, { status })
  }
}

/** `inventory/2.1` */
function userAgent(program = `larder-client/${LARDER_VERSION}`): string {
  return program.replaceAll(/[^A-Za-z0-9!#$%&'*+.^_`|~/-]+/g, '-').slice(0, 40)
}

async function readBounded(response: IncomingMessage, signal: AbortSignal | undefined): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength
      if (bytes > MAX_ANSWER_BYTES) throw new LarderError('AGENT_UNSUPPORTED', 'The agent’s answer is too long')
      chunks.push(chunk)
    }
  } catch (error) {
    throw unreachable(error, signal)
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
