import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import fastify from 'fastify'
import {
  createJsonSchemaTransform,
  createJsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler
} from 'fastify-type-provider-zod'
import { z } from 'zod'
import { CacheListing, StatusView, VerifyView, VersionView } from '../contract/api.ts'
import { ErrorView } from '../contract/errors.ts'
import { AgentEvent } from '../contract/events.ts'
import { httpForm } from '../contract/operations/http-form.ts'
import { apiOperationNames, operationOf } from '../contract/operations/operations.ts'
import { RequestSpec, RequestView } from '../contract/request.ts'
import { AgentSnapshot, CacheEntryView, CacheStats, MasterView, PeerView, TransferView } from '../contract/snapshot.ts'
import { LARDER_VERSION } from '../contract/version.ts'
import { routeSchema } from './openapi.ts'
import { tidied, type OpenApiDocument } from './tidy-document.ts'

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
const openApiOptions: FastifyDynamicSwaggerOptions = {
  openapi: {
    openapi: '3.1.0',
    info: {
      title: 'Larder local API',
      version: LARDER_VERSION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description:
        'Loopback only. The token lies in the file `api-token` of the data folder; send it as `Authorization: Bearer …`. Errors are ErrorView objects with a stable `code`.'
    },
    servers: [{ url: 'http://127.0.0.1:4725', description: 'The port is that of `ports.api`.' }],
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } }
  },
  transform: createJsonSchemaTransform({ schemaRegistry: schemaRegistry as never }),
  transformObject: createJsonSchemaTransformObject({ schemaRegistry: schemaRegistry as never })
}

/**
 * The OpenAPI document of the local API, from the table of operations. Made where it is asked for, by a server that never listens, so that an agent
 * does not carry what writes it.
 */
export async function openApiDocument(): Promise<OpenApiDocument> {
  const app = fastify({ exposeHeadRoutes: false })
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  await app.register(swagger, openApiOptions)
  for (const name of apiOperationNames) {
    const operation = operationOf(name)
    const { method, path } = httpForm(operation)
    app.route({ method, url: path, schema: routeSchema(name, operation), handler: async () => {} })
  }
  await app.ready()
  return tidied(app.swagger() as OpenApiDocument)
}
