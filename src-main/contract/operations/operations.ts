import type { z } from 'zod'
import { agentOperations } from './agent.ts'
import { cacheOperations } from './cache.ts'
import { hubOperations } from './hub.ts'
import type { Operation } from './operation.ts'
import { precacheOperations } from './precache.ts'
import { requestOperations } from './requests.ts'
import { settingsOperations } from './settings.ts'
import { windowOperations } from './window.ts'

/** Everything that can be asked of an agent, by name. */
export const operations = {
  ...requestOperations,
  ...cacheOperations,
  ...precacheOperations,
  ...agentOperations,
  ...hubOperations,
  ...settingsOperations,
  ...windowOperations
} as const

export type Operations = typeof operations
export type OperationName = keyof Operations

/** Names of the operations that have a field of that kind. */
type Having<Kind> = { [N in OperationName]: Operations[N] extends Kind ? N : never }[OperationName]
/** Those of the local API, and of the client. */
export type ApiOperationName = Having<{ readonly http: object }>
/** Those of a window. */
export type CommandName = Having<{ readonly who: 'all' | 'windows' }>
export type AnsweringName = Having<{ readonly answer: z.ZodType }>
export type StreamingName = Having<{ readonly stream: object }>
export type BytesName = Having<{ readonly bytes: true }>

/** Input as a caller writes it: what has a default may be left out. */
export type InputOf<N extends OperationName> = Fields<z.input<Operations[N]['input']>>
/** Input as it is carried out, checked. */
export type CheckedInput<N extends OperationName> = Fields<z.output<Operations[N]['input']>>
/** An object without fields goes with others; as zod has it, it forbids them. */
type Fields<T> = string extends keyof T ? object : T
export type AnswerOf<N extends OperationName> = Operations[N] extends { readonly answer: infer A extends z.ZodType }
  ? z.output<A>
  : never
/** What a window gets of the answer. */
export type WindowAnswerOf<N extends OperationName> = Operations[N] extends {
  readonly windowAnswer: infer A extends z.ZodType
}
  ? z.output<A>
  : AnswerOf<N>

const entries = Object.entries(operations) as [OperationName, Operation][]

export const apiOperationNames = entries.filter(([, { http }]) => http).map(([name]) => name) as ApiOperationName[]
export const commandNames: readonly CommandName[] = entries
  .filter(([, { who }]) => who === 'all' || who === 'windows')
  .map(([name]) => name as CommandName)

/** The row of one operation, without its exact type. */
export function operationOf(name: OperationName): Operation {
  return operations[name]
}
