import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import type { FastifySchema } from 'fastify'
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { CacheListing, StatusView, VerifyView, VersionView, type ApiRoute } from '../contract/api.ts'
import { ErrorView } from '../contract/errors.ts'
import { AgentEvent } from '../contract/events.ts'
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

/** What fastify checks and the document shows for one route. */
export function routeSchema(name: string, route: ApiRoute): FastifySchema {
  const content: Record<string, { schema: z.ZodType }> = {}
  if (route.answer) content['application/json'] = { schema: route.answer }
  if (route.stream)
    content['text/event-stream'] = {
      schema: z.string().describe(`Server-Sent Events: ${Object.keys(route.stream).join(', ')}; each with JSON data.`)
    }
  if (route.bytes)
    content['application/octet-stream'] = { schema: z.string().meta({ contentMediaType: 'application/octet-stream' }) }
  return {
    operationId: name,
    summary: route.summary,
    security: route.access === 'token' ? [{ token: [] }] : [],
    ...(route.params && { params: route.params }),
    ...(route.query && { querystring: route.query }),
    ...(route.body && { body: route.body }),
    response: {
      [route.status]: { description: 'Good', content },
      default: { description: 'An error', content: { 'application/json': { schema: ErrorView } } }
    }
  }
}
