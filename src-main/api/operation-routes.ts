import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { filledPath, httpForm, inputOfCall, type HttpParts } from '../contract/operations/http-form.ts'
import { apiOperationNames, operationOf } from '../contract/operations/operations.ts'
import type { OperationDesk } from '../operations/carry-out.ts'
import type { Caller } from '../operations/handlers.ts'
import type { Person } from '../operations/person.ts'
import type { EventStream } from './event-stream.ts'
import { routeSchema } from './openapi.ts'
import { programName } from './program-name.ts'

export interface OperationRoutesContext {
  readonly operations: OperationDesk
  /** @throws TOKEN_INVALID */
  requireToken(request: FastifyRequest): Promise<void>
  /** Which of the PC's users has shown a token; undefined: the one whose agent it is. */
  personOf(request: FastifyRequest): Person | undefined
  /** Turns the answer into a stream. @throws BUSY when too many are open */
  openStream(reply: FastifyReply): EventStream
}

/** The table of operations as routes. */
export function addOperationRoutes(app: FastifyInstance, context: OperationRoutesContext): void {
  for (const name of apiOperationNames) {
    const operation = operationOf(name)
    const { method, path } = httpForm(operation)
    app.route({
      method,
      url: path,
      schema: routeSchema(name, operation),
      onRequest: async (request) => {
        if (operation.who !== 'anyone') await context.requireToken(request)
      },
      handler: (request, reply) => carryOut(name, request, reply, context)
    })
  }
}

async function carryOut(
  name: (typeof apiOperationNames)[number],
  request: FastifyRequest,
  reply: FastifyReply,
  { operations, openStream, personOf }: OperationRoutesContext
): Promise<FastifyReply> {
  const operation = operationOf(name)
  const parts = {
    params: request.params ?? {},
    query: request.query ?? {},
    body: request.body ?? {}
  } as HttpParts
  const input = inputOfCall(operation, parts)
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  const person = personOf(request)
  const by = (parts.body['by'] as string | undefined) ?? 'local API'
  const caller: Caller = {
    as: 'program',
    program: programName(request.headers['user-agent']),
    // Nobody speaks under another's name.
    by: person ? `${person.name} (${by})`.slice(0, 200) : by,
    person,
    signal: gone.signal
  }

  if (operation.bytes) {
    const content = await operations.bytes(name as 'request.content', input, caller)
    const body = Readable.from(content.pieces(), { objectMode: false, highWaterMark: 1 })
    body.once('close', () => void content.close())
    return reply
      .type('application/octet-stream')
      .header('content-length', content.lengthBytes)
      .header('etag', `"sha256:${content.sha256}"`)
      .header('cache-control', 'no-store')
      .send(body)
  }
  if (operation.stream && (!operation.answer || parts.query['follow'] === '1' || wantsStream(request))) {
    const lastSeen = request.headers['last-event-id']
    await operations.stream(
      name as 'agent.stream',
      input,
      { ...caller, lastSeen: typeof lastSeen === 'string' ? lastSeen : undefined },
      () => openStream(reply)
    )
    return reply
  }
  const answer = await operations.answer(name as 'agent.status', input, caller)
  const { status, location } = httpForm(operation)
  if (location !== null) reply.header('location', filledPath(location, answer as Record<string, unknown>))
  return reply.code(status).send(answer)
}

const wantsStream = (request: FastifyRequest): boolean => request.headers.accept?.includes('text/event-stream') ?? false

/** Queries are text: reads those fields as numbers that are numbers in the schema. What cannot be read is left to the schema. */
export function queryNumbers(schema: unknown): (query: unknown) => unknown {
  const names =
    schema instanceof z.ZodObject ? Object.keys(schema.shape).filter((name) => isNumber(schema.shape[name])) : []
  return (query) =>
    Object.fromEntries(
      Object.entries((query ?? {}) as Record<string, unknown>).map(([name, value]) => [
        name,
        names.includes(name) && typeof value === 'string' && value.trim() !== '' ? Number(value) : value
      ])
    )
}

function isNumber(schema: unknown): boolean {
  if (schema instanceof z.ZodNumber) return true
  return schema instanceof z.ZodDefault || schema instanceof z.ZodOptional || schema instanceof z.ZodNullable
    ? isNumber(schema.unwrap())
    : false
}
