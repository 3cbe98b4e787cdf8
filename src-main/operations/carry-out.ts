// Why it is like this: docs/decisions/0054-one-table-of-operations.md
import { commandNames } from '../contract/commands.ts'
import {
  operationOf,
  type AnsweringName,
  type BytesName,
  type OperationName,
  type StreamingName
} from '../contract/operations/operations.ts'
import { LarderError } from '../lib/errors.ts'
import { createAgentHandlers } from './agent-handlers.ts'
import { createCacheHandlers } from './cache-handlers.ts'
import type { ContentBytes } from './content-bytes.ts'
import type { Call, Caller, MessageStream, StreamCall } from './handlers.ts'
import type { OperationHost, ProgramServices } from './operation-host.ts'
import { precacheHandlers } from './precache-handlers.ts'
import { refusalOf } from './rights.ts'
import { requestHandlers } from './request-handlers.ts'
import { createSettingsHandlers } from './settings-handlers.ts'
import { createWindowHandlers } from './window-handlers.ts'

/** Operations of one agent, whatever carries them here. Input has been checked against the table; rules are the agent's. */
export interface OperationDesk {
  /** @throws NOT_FOUND when it is not possible here, SHUTTING_DOWN or the reason when there is no agent, and its own codes */
  answer(name: AnsweringName, input: object, caller: Caller): Promise<unknown>
  /** Returns while the stream goes on. @throws as `answer`, until `open` was called */
  stream(
    name: StreamingName,
    input: object,
    caller: Caller & Pick<StreamCall, 'lastSeen'>,
    open: () => MessageStream
  ): Promise<void>
  bytes(name: BytesName, input: object, caller: Caller): Promise<ContentBytes>
}

export function createOperations(host: OperationHost): OperationDesk {
  const { clock, settings, windows, users } = host
  const agent = () => host.agent()
  const agentOf = ({ person }: Caller) => {
    if (person === undefined) return agent()
    if (!users) throw new LarderError('FORBIDDEN', 'This agent serves one user')
    return users.of(person)
  }
  const programs = (): ProgramServices => {
    if (!host.programs) throw new LarderError('NOT_FOUND', 'This is not possible here')
    return host.programs
  }
  const parts = [
    requestHandlers,
    createCacheHandlers(clock),
    precacheHandlers,
    createAgentHandlers(clock, programs),
    createSettingsHandlers(settings, programs)
  ]
  const of = (kind: 'answers' | 'streams' | 'bytes'): Handlers =>
    Object.assign({}, ...parts.map((part) => part[kind])) as Handlers
  const possible = () => commandNames.filter((name) => answers[name])
  const answers: Handlers = {
    ...of('answers'),
    ...(windows && (createWindowHandlers(windows, agent, possible) as Handlers))
  }
  const streams = of('streams')
  const readers = of('bytes')

  const handler = (handlers: Handlers, name: OperationName, input: object, { person }: Caller) => {
    const found = handlers[name]
    if (!found) throw new LarderError('NOT_FOUND', `${name} is not possible here`, { operation: name })
    const { right, always } = operationOf(name)
    const refusal = refusalOf(person, { right, destination: destinationIn(input) })
    if (refusal) throw refusal
    // Everything that needs an agent is refused in the same way while there is none.
    if (!always) agent()
    return found
  }
  const callOf = <C extends Caller>(caller: C): C & Call =>
    Object.defineProperty({ ...caller } as C & Call, 'agent', { get: () => agentOf(caller), enumerable: true })

  return {
    answer: async (name, input, caller) => handler(answers, name, input, caller)(input, callOf(caller)),
    stream: async (name, input, caller, open) =>
      void (await handler(streams, name, input, caller)(input, callOf({ ...caller, open }))),
    bytes: async (name, input, caller) =>
      (await handler(readers, name, input, caller)(input, callOf(caller))) as ContentBytes
  }
}

/** Where a request is to put a file. */
function destinationIn(input: object): string | undefined {
  return (input as { readonly spec?: { readonly destination?: string } }).spec?.destination
}

type Handlers = Readonly<Record<string, ((input: object, call: object) => unknown) | undefined>>
