import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import type { FastifySchema } from 'fastify'
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { CacheListing, StatusView, VerifyView, VersionView } from '../contract/api.ts'
import { errorTable, ErrorView, type ErrorCode } from '../contract/errors.ts'
import { AgentEvent } from '../contract/events.ts'
import { httpForm } from '../contract/operations/http-form.ts'
import { commonErrors, type Operation } from '../contract/operations/operation.ts'
import { RequestSpec, RequestView } from '../contract/request.ts'
import { AgentSnapshot, CacheEntryView, CacheStats, MasterView, PeerView, TransferView } from '../contract/snapshot.ts'
import { LARDER_VERSION } from '../contract/version.ts'

/** Schemas that get a name of their own in the document. */
const schemaRegistry = z.registry<{ id: string }>()
const named = {
  AgentEvent,
  AgentSnapshot,
  CacheEntryView,
  CacheListing,
  CacheStats,
  ErrorView,
  MasterView,
  PeerView,
  RequestSpec,
  RequestView,
  StatusView,
  TransferView,
  VerifyView,
  VersionView
}
for (const [id, schema] of Object.entries(named)) schemaRegistry.add(schema, { id })

/** Options of the plugin that writes the OpenAPI document. */
export const openApiOptions: FastifyDynamicSwaggerOptions = {
  openapi: {
    openapi: '3.1.0',
    info: {
      title: 'Larder local API',
      version: LARDER_VERSION,
      description:
        'Loopback only. The token lies in the file `api-token` of the data folder; send it as `Authorization: Bearer …`. Errors are ErrorView objects with a stable `code`.'
    },
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } }
  },
  transform: createJsonSchemaTransform({ schemaRegistry: schemaRegistry as never }),
  transformObject: createJsonSchemaTransformObject({ schemaRegistry: schemaRegistry as never })
}

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
