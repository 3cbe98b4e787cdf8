import { z } from 'zod'
import type { Operation } from './operation.ts'

/** Who does it, for a program; shown to people. */
const By = z.string().min(1).max(100).default('local API')
/** Asks for the stream where an answer is the rule, beside `Accept: text/event-stream`. */
const Follow = z.enum(['0', '1']).default('0')

/** An operation as a call of the local API: which part of the input goes where. */
export interface HttpForm {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly status: 200 | 201
  readonly location: string | null
  /** The fields in the path. */
  readonly params: z.ZodObject | null
  readonly query: z.ZodObject | null
  readonly body: z.ZodType | null
}

/** One call in pieces. */
export interface HttpParts {
  readonly params: Record<string, unknown>
  readonly query: Record<string, unknown>
  readonly body: Record<string, unknown>
}

/** @throws for an operation that is not in the local API */
export function httpForm(operation: Operation): HttpForm {
  const { http, input, signed, answer, stream } = operation
  if (!http) throw new Error('This operation is for windows only')
  const { method, path, whole, location = null } = http
  const inPath = namesIn(path)
  const mask = Object.fromEntries(inPath.map((name) => [name, true])) as Record<string, true> & Record<number, never>
  let rest = whole === undefined ? input.omit(mask) : objectOf(input.shape[whole])
  if (signed) rest = rest.extend({ by: By })
  if (method === 'GET' && answer && stream) rest = rest.extend({ follow: Follow })
  const any = Object.keys(rest.shape).length > 0
  return {
    method,
    path,
    location,
    status: location === null ? 200 : 201,
    params: inPath.length > 0 ? input.pick(mask) : null,
    query: method === 'GET' && any ? rest : null,
    // A call without body is one that leaves everything to its defaults, where that is possible.
    body: method === 'GET' || !any ? null : rest.safeParse({}).success ? rest.prefault({}) : rest
  }
}

/** The input of an operation out of a checked call. */
export function inputOfCall({ http }: Operation, { params, query, body }: HttpParts): Record<string, unknown> {
  const { by: _by, follow: _follow, ...rest } = { ...query, ...body }
  return { ...params, ...(http?.whole === undefined ? rest : { [http.whole]: rest }) }
}

/** A call out of the input of an operation. `by` and `follow` go along. */
export function callOf(operation: Operation, input: Readonly<Record<string, unknown>>): HttpParts {
  const { method, params, query, body } = httpForm(operation)
  const whole = operation.http?.whole
  const { by, follow, ...fields } = input
  const inParams = Object.keys(params?.shape ?? {})
  const rest = {
    ...(whole === undefined
      ? Object.fromEntries(Object.entries(fields).filter(([name]) => !inParams.includes(name)))
      : (fields[whole] as Record<string, unknown> | undefined)),
    ...(by !== undefined && { by }),
    ...(follow !== undefined && { follow })
  }
  return {
    params: Object.fromEntries(inParams.map((name) => [name, fields[name]])),
    query: method === 'GET' && query ? rest : {},
    body: body ? rest : {}
  }
}

/** `/v1/cache/:sha256/pin` → `['sha256']` */
function namesIn(path: string): string[] {
  return [...path.matchAll(/:([a-zA-Z0-9]+)/g)].map(([, name]) => name!)
}

/** `/v1/requests/:id` with `{ id: 'r-1' }` → `/v1/requests/r-1` */
export function filledPath(path: string, fields: Readonly<Record<string, unknown>>): string {
  return path.replace(/:([a-zA-Z0-9]+)/g, (_whole, name: string) =>
    encodeURIComponent(String((fields[name] ?? '') as string))
  )
}

function objectOf(schema: unknown): z.ZodObject {
  if (schema instanceof z.ZodObject) return schema
  throw new Error('The field that is the whole body or query has to be an object')
}
