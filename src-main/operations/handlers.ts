import type { EventEmitter } from 'node:events'
import type { Agent, Asker } from '../agent/agent.ts'
import type {
  AnsweringName,
  AnswerOf,
  BytesName,
  CheckedInput,
  OperationName,
  StreamingName
} from '../contract/operations/operations.ts'
import type { ContentBytes } from './content-bytes.ts'
import type { Person } from './person.ts'

/** Who asks. */
export interface Caller {
  readonly as: Asker
  /** Shown to people as who did it. */
  readonly by: string
  /** What the program calls itself; null: nothing. */
  readonly program?: string | null | undefined
  /** Which user of the PC; absent: the one whose agent it is. */
  readonly person?: Person | undefined
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

/** One call while it is carried out. */
export interface Call extends Caller {
  /** As much of it as the person may see and use. @throws the reason why none is running */
  readonly agent: Agent
}

/** One reader of a stream. */
export interface MessageStream extends EventEmitter<{ closed: [] }> {
  /** `json` is one line. */
  send(event: string, json: string, id?: string): void
  /** Sends a message that makes earlier ones of its sort worthless: a lagging reader gets only the newest, later. */
  sendNewest(make: () => { event: string; json: string; id?: string }): void
  end(): void
}

export interface StreamCall extends Call {
  /** The id of the newest message a returning reader has seen. */
  readonly lastSeen: string | undefined
  /** Begins the stream; what is thrown before is an ordinary error. @throws BUSY when too many are open */
  open(): MessageStream
}

export type Answerer<N extends OperationName> = (
  input: CheckedInput<N>,
  call: Call
) => AnswerOf<N> | Promise<AnswerOf<N>>
export type Answerers<N extends OperationName> = { readonly [K in N & AnsweringName]: Answerer<K> }
export type Streamers<N extends OperationName> = {
  readonly [K in N & StreamingName]: (input: CheckedInput<K>, call: StreamCall) => void | Promise<void>
}
export type ByteReaders<N extends OperationName> = {
  readonly [K in N & BytesName]: (input: CheckedInput<K>, call: Call) => Promise<ContentBytes>
}

/** Everything a part of the table is carried out by. */
export interface HandlersOf<N extends OperationName> {
  readonly answers: Answerers<N>
  readonly streams: Streamers<N>
  readonly bytes: ByteReaders<N>
}

/** Without what was left out: a field that is not named stays as it is. */
export function named<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
