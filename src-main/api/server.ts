import type { AddressInfo } from 'node:net'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import type { Agent, Log } from '../agent/agent.ts'
import type { ApiToken } from '../contract/api.ts'
import type { Clock } from '../lib/clock.ts'
import { LarderError, systemCode } from '../lib/errors.ts'
import type { LiveSettings } from '../settings/live-settings.ts'
import { errorAnswer } from './error-answer.ts'
import type { DoctorReport } from '../contract/doctor.ts'
import { EventStream } from './event-stream.ts'
import { ConnectionPlaces, silentCallersLeave } from './connection-places.ts'
import type { Door } from './door.ts'
import { assertLocalCaller, assertToken, bearerOf, proveToken } from './guard.ts'
import { createOperations } from '../operations/carry-out.ts'
import type { ProgramServices } from '../operations/operation-host.ts'
import type { Person } from '../operations/person.ts'
import type { UserAgents } from '../operations/user-agents.ts'
import { Metrics, METRICS_TYPE } from './metrics.ts'
import { addOperationRoutes, queryNumbers } from './operation-routes.ts'
import { addUiRoutes } from './ui-routes.ts'
import { uiLinkTo, type Ui } from './ui.ts'
import { answerUnreadable } from './unreadable-call.ts'
import type { UserWindows } from './user-windows.ts'

const MAX_BODY_BYTES = 64 * 1024
const MAX_HEADER_BYTES = 16 * 1024
const MAX_CONNECTIONS = 256
/** Of them, only for callers who have shown the token. */
const RESERVED_CONNECTIONS = 64
const MAX_STREAMS = 64
/** When it closes, answers under way are given this long to be read, ms. */
const CLOSE_GRACE_MS = 500

/** A call must have arrived completely after this long. */
const CALL_TIMEOUT_MS = 30_000

export interface ApiOptions {
  readonly agent: Agent
  readonly token: ApiToken
  /** TCP port on 127.0.0.1; 0 takes any free one. */
  readonly port: number
  /** Where the users of the PC come in, and what each may see; absent: it is the agent of one. */
  readonly machine?: { readonly door: Door; readonly users: UserAgents; readonly windows: UserWindows } | undefined
  readonly settings: LiveSettings
  readonly clock: Clock
  readonly log: Log
  /** The window for browsers; without it there is none. */
  readonly ui?: Ui
  readonly logDir: string
  /** Looks at everything sharing needs; may take some seconds. */
  readonly examine: () => Promise<DoctorReport>
  /** Any program on this PC may read the figures. */
  readonly openMetrics: boolean
}

/** The local API, listening. */
export interface ApiServer {
  readonly port: number
  /** Ends streams and connections, and stops listening. Idempotent. */
  close(): Promise<void>
}

/**
 * Serves the local API on 127.0.0.1.
 * @throws PORT_TAKEN with the port
 */
export async function startApi(options: ApiOptions): Promise<ApiServer> {
  const { agent, token, clock, log, ui, machine } = options
  const streams = new Set<EventStream>()
  const app = fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: CALL_TIMEOUT_MS,
    // Well above what clients keep idle connections for, so that it is them who close: a call on a connection just closed fails.
    keepAliveTimeout: 60_000,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 128 },
    http: { maxHeaderSize: MAX_HEADER_BYTES, ...silentCallersLeave },
    frameworkErrors: (error, _request, reply) => {
      const { status, view } = errorAnswer(error)
      void (reply as FastifyReply).code(status).send(view)
    },
    clientErrorHandler: answerUnreadable
  })
  const places = new ConnectionPlaces(app.server, { most: MAX_CONNECTIONS, reserved: RESERVED_CONNECTIONS })
  const people = new WeakMap<FastifyRequest, Person>()
  const requireToken = async (request: FastifyRequest): Promise<void> => {
    const shown = bearerOf(request.headers.authorization)
    const person = shown === undefined ? undefined : await machine?.door.whoShows(shown)
    if (person) people.set(request, person)
    else assertToken(request.headers.authorization, token)
    places.trust(request.raw.socket)
  }
  // A call without body is one with `undefined`, so that a schema can say what that means.
  app.setValidatorCompiler((route) => {
    const validate = validatorCompiler(route as never)
    const numbers = route.httpPart === 'querystring' ? queryNumbers(route.schema) : null
    return (input: unknown) => validate(numbers ? numbers(input) : (input ?? undefined))
  })
  app.setSerializerCompiler(serializerCompiler)
  let port = options.port

  app.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'cross-origin-resource-policy': 'same-origin'
    })
    assertLocalCaller({ method: request.method, url: request.raw.url ?? '', headers: request.headers }, port)
  })
  app.setErrorHandler((error, request, reply) => {
    const { status, view, unexpected } = errorAnswer(error)
    if (unexpected)
      log.error(
        { err: error, method: request.method, path: request.routeOptions.url ?? null },
        'a call of the local API failed'
      )
    if (view.code === 'TOKEN_INVALID') void reply.header('www-authenticate', 'Bearer')
    void reply.code(status).send(view)
  })
  app.setNotFoundHandler(() => {
    throw new LarderError('NOT_FOUND', 'There is no such route')
  })

  const openStream = (reply: FastifyReply): EventStream => {
    if (streams.size >= MAX_STREAMS) throw new LarderError('BUSY', `There are ${MAX_STREAMS} open streams already`)
    reply.hijack()
    const stream = new EventStream(reply.raw, clock)
    streams.add(stream)
    stream.once('closed', () => streams.delete(stream))
    return stream
  }
  const programs: ProgramServices = {
    prove: (challenge) => proveToken(token, challenge, port),
    ...(machine && { sign: (challenge: string) => machine.door.sign(challenge, port) }),
    openApi: async () => (await import('./openapi-document.ts')).openApiDocument(),
    logDir: options.logDir,
    examine: sharedWhileRunning(options.examine),
    uiLink: () => uiLinkTo(ui, port)
  }
  const operations = createOperations({
    agent: () => agent,
    users: machine?.users,
    settings: options.settings,
    clock,
    programs
  })
  addOperationRoutes(app, { operations, requireToken, openStream, personOf: (request) => people.get(request) })
  if (ui || machine) {
    const windowOf = async (shown: string) => {
      const person = await machine?.door.whoShows(shown)
      return person && machine?.windows.of(person)
    }
    addUiRoutes(app, { ui, windowOf, log, openStream })
  }
  addMetrics(app, new Metrics(() => agent.snapshot()), options.openMetrics ? async () => {} : requireToken)

  try {
    await app.listen({ host: '127.0.0.1', port })
  } catch (error) {
    await app.close()
    if (systemCode(error) === 'EADDRINUSE' || systemCode(error) === 'EACCES') {
      throw new LarderError('PORT_TAKEN', `Port ${port} on 127.0.0.1 for the local API is taken or not allowed`, {
        port,
        setting: 'ports.api',
        cause: error
      })
    }
    throw error
  }
  // Fastify hears them only until it listens; what goes wrong with a connection costs that connection and no more.
  app.server.on('error', (error) => log.warn({ err: error }, 'a connection to the local API could not be taken'))
  port = (app.server.address() as AddressInfo).port
  return {
    port,
    async close() {
      for (const stream of streams) stream.end()
      // A slow reader of an answer is not waited for.
      const force = clock.after(CLOSE_GRACE_MS, () => app.server.closeAllConnections())
      await app.close()
      force.cancel()
    }
  }
}

type Guard = (request: FastifyRequest) => Promise<void>

/** Callers that come while it runs get the same result. */
function sharedWhileRunning<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  return () => (running ??= work().finally(() => (running = undefined)))
}

/** Figures for Prometheus; text, so no part of the OpenAPI document. */
function addMetrics(app: FastifyInstance, metrics: Metrics, guard: Guard): void {
  app.route({
    method: 'GET',
    url: '/metrics',
    onRequest: async (request) => {
      await guard(request)
    },
    handler: async (_request, reply) => reply.type(METRICS_TYPE).send(await metrics.text())
  })
}
