import { z } from 'zod'
import type { ErrorCode } from '../errors.ts'

/**
 * Who may ask for an operation.
 *
 *     anyone     every program of this PC, without the token
 *     programs   programs that hold the token of the local API
 *     windows    the window of the tray application, or a signed-in browser
 *     all        programs with the token, and windows
 *
 * What an administrator has decided in a policy binds all of them: the agent answers SETTING_MANAGED.
 */
export type Who = 'anyone' | 'programs' | 'windows' | 'all'

/**
 * What somebody needs who shares the agent with the other users of the PC. The user of an agent of their own has every right.
 *
 *     user     every user of the PC, about what they asked for themselves and what is nobody's in particular
 *     admin    administrators and helpdesk: the cache, settings, and everybody's downloads
 */
export type Right = 'user' | 'admin'

/** Where an operation is in the local API. */
export interface HttpPlace {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** With `:name` for the input fields that are part of it. */
  readonly path: string
  /** The input field that is the whole body or query; without it the fields that are not in the path are its fields. */
  readonly whole?: string
  /** It makes something, which is found here afterwards; `:name` is a field of the answer. The status is 201 then. */
  readonly location?: string
}

/** One thing that can be asked of an agent. HTTP routes, commands of windows, calls of the client and OpenAPI follow from it. */
export interface Operation {
  /** What it does; one or two sentences. */
  readonly summary: string
  readonly who: Who
  /** Absent: `admin`, so that what is new is closed until somebody has decided. */
  readonly right?: Right
  /** Works without a running agent too: a window is there before its agent has started, and after it has stopped. */
  readonly always?: true
  readonly input: z.ZodObject
  readonly answer?: z.ZodType
  /** What a window gets of the answer, where its snapshots tell it the rest. */
  readonly windowAnswer?: z.ZodType
  /** Messages of Server-Sent Events by name: always when there is no `answer`, else where the caller asks for a stream. */
  readonly stream?: Readonly<Record<string, z.ZodType>>
  /** The answer is a content itself. */
  readonly bytes?: true
  /** People are told who did it. A program says so in a field `by`; for a window it is known. */
  readonly signed?: true
  /** Codes it answers beside those of {@link commonErrors}. */
  readonly errors: readonly ErrorCode[]
  /** Absent: an operation for windows alone. */
  readonly http?: HttpPlace
}

/** Codes that follow from the rest of an operation. */
export function commonErrors({ who, right, always, input }: Operation): ErrorCode[] {
  return [
    ...(Object.keys(input.shape).length > 0 ? (['BAD_REQUEST'] as const) : []),
    ...(who === 'anyone' ? [] : (['TOKEN_INVALID'] as const)),
    'FORBIDDEN',
    ...(right === 'user' ? [] : (['RIGHT_MISSING'] as const)),
    ...(always ? [] : (['SHUTTING_DOWN'] as const)),
    'INTERNAL'
  ]
}

/** Nothing that could be of interest. */
export const Done = z.object({})

const DAY_MS = 24 * 3600_000

/** A stop that ends by itself after this many ms; null: when it is told to. */
export const StopMs = z
  .number()
  .int()
  .min(1000)
  .max(30 * DAY_MS)
  .nullable()
  .default(DAY_MS)

/** Why somebody changes it; shown to people. */
export const Why = z.string().min(1).max(500).optional()
