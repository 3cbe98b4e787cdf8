import type { FastifySchema } from 'fastify'
import { z } from 'zod'
import { errorTable, ErrorView, type ErrorCode } from '../contract/errors.ts'
import { httpForm } from '../contract/operations/http-form.ts'
import { commonErrors, type Operation } from '../contract/operations/operation.ts'

/** What fastify checks and the document shows for one operation. */
export function routeSchema(name: string, operation: Operation): FastifySchema {
  const { summary, who, answer, stream, bytes } = operation
  const { params, query, body, status } = httpForm(operation)
  const content: Record<string, { schema: z.ZodType }> = {}
  if (answer) content['application/json'] = { schema: answer }
  if (stream)
    content['text/event-stream'] = {
      schema: z.string().describe(`Server-Sent Events: ${Object.keys(stream).join(', ')}; each with JSON data.`)
    }
  if (bytes)
    content['application/octet-stream'] = { schema: z.string().meta({ contentMediaType: 'application/octet-stream' }) }
  return {
    operationId: name,
    summary,
    security: who === 'anyone' ? [] : [{ token: [] }],
    ...(params && { params }),
    ...(query && { querystring: query }),
    ...(body && { body }),
    response: {
      [status]: { description: 'Good', content },
      ...errorResponses(operation),
      default: { description: 'An error', content: { 'application/json': { schema: ErrorView } } }
    }
  }
}

/** The codes an operation answers, by status. */
function errorResponses(operation: Operation): Record<number, object> {
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of new Set([...operation.errors, ...commonErrors(operation)])) {
    const { http } = errorTable[code]
    byStatus.set(http, [...(byStatus.get(http) ?? []), code])
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      status,
      { description: codes.join(', '), content: { 'application/json': { schema: ErrorView } } }
    ])
  )
}
