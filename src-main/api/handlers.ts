import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Agent } from '../agent/agent.ts'
import { explain } from '../agent/why.ts'
import type { ApiAnswer, ApiBody, ApiParams, ApiQuery, ApiRouteName, ApiToken } from '../contract/api.ts'
import type { DoctorReport } from '../contract/doctor.ts'
import { finalRequestStates, type RequestView } from '../contract/request.ts'
import type { AgentSnapshot } from '../contract/snapshot.ts'
import { UI_PATH } from '../contract/ui.ts'
import { API_VERSION, LARDER_VERSION } from '../contract/version.ts'
import type { Clock } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import { describeIntegration } from '../settings/integration-state.ts'
import type { LiveSettings } from '../settings/live-settings.ts'
import { openContentBytes } from './content-bytes.ts'
import { errorAnswer } from './error-answer.ts'
import type { EventStream } from './event-stream.ts'
import { proveToken } from './guard.ts'
import type { LogLevelSwitch } from './log-level.ts'
import { statusView } from './status-view.ts'
import { LINK_VALID_MS, type UiSessions } from './ui-sessions.ts'

/** What the handlers act on. */
export interface HandlerContext {
  readonly agent: Agent
  readonly token: ApiToken
  readonly clock: Clock
  readonly settings: LiveSettings
  readonly logLevel: LogLevelSwitch
  readonly logDir: string
  readonly examine: () => Promise<DoctorReport>
  /** Port of this listener. */
  port(): number
  openApi(): { openapi: string }
  /** Turns the answer into a stream. @throws BUSY when too many are open */
  openStream(reply: FastifyReply): EventStream
  /** Undefined: this agent serves no window to browsers. */
  readonly uiSessions: UiSessions | undefined
}

/** One call of a route, its input parsed. */
export interface Call<N extends ApiRouteName> {
  readonly params: ApiParams<N>
  readonly query: ApiQuery<N>
  readonly body: ApiBody<N>
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

/** `undefined`: the handler answers by stream. */
type Answer<N extends ApiRouteName> = ApiAnswer<N> | undefined | Readable
export type Handlers = { readonly [N in ApiRouteName]: (call: Call<N>) => Answer<N> | Promise<Answer<N>> }

export function createHandlers(context: HandlerContext): Handlers {
  const { agent, clock, settings } = context
  const status = () => statusView(agent.snapshot())
  // One string per snapshot, however many readers there are.
  const written = new WeakMap<AgentSnapshot, string>()
  const snapshotJson = (snapshot: AgentSnapshot) => {
    let json = written.get(snapshot)
    if (json === undefined) written.set(snapshot, (json = JSON.stringify(snapshot)))
    return json
  }
  /** Who asks while it runs gets the same report. */
  let examining: Promise<DoctorReport> | undefined
  const isFinal = (view: RequestView) => finalRequestStates.includes(view.state)

  return {
    version: ({ query }) => ({
      name: 'larder',
      version: LARDER_VERSION,
      apiVersion: API_VERSION,
      integration: {
        enabled: settings.integration.enabled,
        defaultStaggerRangeSeconds: settings.current.integration.defaultStaggerRangeSeconds
      },
      proof: query.challenge === undefined ? null : proveToken(context.token, query.challenge, context.port())
    }),
    openapi: () => context.openApi(),
    status,
    snapshot: () => agent.snapshot(),
    peers: () => ({ peers: agent.snapshot().peers }),
    masters: () => ({ masters: agent.snapshot().masters }),

    createRequest: ({ body, reply }) => {
      const { integration } = settings
      if (!integration.enabled)
        throw new LarderError('INTEGRATION_OFF', `The integration is ${describeIntegration(integration)}`)
      const view = agent.request(body)
      reply.header('location', `/v1/requests/${view.id}`)
      return view
    },
    listRequests: () => ({ requests: agent.requests() }),
    request: ({ params }) => agent.requestView(params.id),
    cancelRequest: ({ params }) => agent.cancel(params.id),
    pauseRequest: ({ params }) => agent.pause(params.id),
    resumeRequest: ({ params }) => agent.resume(params.id),

    watchRequest: ({ params, reply }) => {
      const now = agent.requestView(params.id)
      const stream = context.openStream(reply)
      const show = (view: RequestView) => {
        if (view.id !== params.id) return
        if (!isFinal(view)) return stream.sendNewest(() => ({ event: 'request', json: JSON.stringify(view) }))
        stream.send('request', JSON.stringify(view))
        stream.end()
      }
      agent.on('request', show)
      stream.once('closed', () => agent.off('request', show))
      show(now)
      return undefined
    },

    requestContent: async ({ params, reply }) => {
      const content = await openContentBytes(agent.requestView(params.id), agent.cache)
      const body = Readable.from(content.pieces(), { objectMode: false, highWaterMark: 1 })
      body.once('close', () => void content.close())
      reply
        .type('application/octet-stream')
        .header('content-length', content.lengthBytes)
        .header('etag', `"sha256:${content.sha256}"`)
        .header('cache-control', 'no-store')
      agent.cache.noteHit(content.sha256)
      return body
    },

    stream: ({ reply, request }) => {
      const first = agent.snapshot()
      const stream = context.openStream(reply)
      // The first number of an id is the newest event the reader knows, the second the snapshot: `<event>.<snapshot>`.
      let event = agent.events().at(-1)?.seq ?? 0
      let snapshot = first.seq
      const id = () => `${event}.${snapshot}`
      const onSnapshot = (view: AgentSnapshot) =>
        stream.sendNewest(() => {
          snapshot = view.seq
          return { event: 'snapshot', json: snapshotJson(view), id: id() }
        })
      const offEvents = followEvents(agent, stream, lastEventId(request) ?? event, (seq) => ((event = seq), id()))
      onSnapshot(first)
      agent.on('snapshot', onSnapshot)
      stream.once('closed', () => {
        agent.off('snapshot', onSnapshot)
        offEvents()
      })
      return undefined
    },

    events: ({ query, request, reply }) => {
      const since = lastEventId(request) ?? query.since
      if (query.follow !== '1' && !wantsStream(request))
        return { bootId: agent.snapshot().bootId, events: agent.events(since) }
      const stream = context.openStream(reply)
      stream.once('closed', followEvents(agent, stream, since, String))
      return undefined
    },

    why: ({ query }) => explain(query.about, agent.snapshot(), agent.events()),
    doctor: () => (examining ??= context.examine().finally(() => (examining = undefined))),
    log: () => ({ level: context.logLevel.get(), dir: context.logDir }),
    setLog: ({ body }) => {
      settings.requireOpen(['log.level'])
      context.logLevel.set(body.level)
      return { level: context.logLevel.get(), dir: context.logDir }
    },

    cache: ({ query }) => ({ stats: agent.cache.stats(), ...agent.cache.list(query) }),
    content: ({ params }) => agent.content(params.sha256),
    removeContent: async ({ params }) => ({ sha256: params.sha256, bytes: await agent.cache.remove(params.sha256) }),
    pinContent: ({ params, body }) => {
      if (!agent.cache.find(params.sha256))
        throw new LarderError('NOT_FOUND', 'This content is not in the cache', { sha256: params.sha256 })
      const until = body.pinned && body.forMs !== null ? clock.wallMs() + body.forMs : null
      agent.cache.pin(params.sha256, body.pinned, until)
      return { sha256: params.sha256, pinned: body.pinned, until }
    },
    setPriority: ({ params, body }) => {
      agent.cache.setPriority(params.sha256, body.priority)
      return { sha256: params.sha256, priority: body.priority }
    },
    setCacheLimits: async ({ body }) => {
      await agent.setCacheLimits(stated(body))
      return agent.cache.stats()
    },
    relocateCache: async ({ body }) => {
      if (body.dir !== undefined) await agent.relocateCache(body.dir)
      const { cache, cacheNext } = agent.snapshot()
      return { dir: cache.dir, next: cacheNext }
    },
    clearCache: async ({ body }) => ({ ...(await agent.cache.clear(body)), dryRun: body.dryRun }),
    verifyCache: async ({ request, reply }) => {
      const gone = new AbortController()
      if (!wantsStream(request)) {
        reply.raw.once('close', () => gone.abort())
        return agent.cache.verify({ signal: gone.signal })
      }
      const stream = context.openStream(reply)
      stream.once('closed', () => gone.abort())
      try {
        const report = await agent.cache.verify({
          signal: gone.signal,
          onProgress: (done, total) =>
            stream.sendNewest(() => ({ event: 'progress', json: JSON.stringify({ done, total }) }))
        })
        stream.send('result', JSON.stringify(report))
      } catch (error) {
        stream.send('error', JSON.stringify(errorAnswer(error).view))
      }
      stream.end()
      return undefined
    },

    precache: () => agent.precache.view(),
    precacheItems: async () => ({ items: await agent.precache.items() }),
    startPrecache: async ({ body }) => {
      await agent.precache.start(body.items, body.list)
      return agent.precache.view()
    },
    stopPrecache: () => {
      agent.precache.stop()
      return agent.precache.view()
    },

    pauseAll: ({ body }) => {
      agent.pauseAll(body.forMs === null ? null : clock.wallMs() + body.forMs)
      return status()
    },
    resumeAll: () => {
      agent.resumeAll()
      return status()
    },
    uiLink: () => {
      if (!context.uiSessions)
        throw new LarderError('NOT_FOUND', 'This agent serves no window to browsers; start it with `larder agent --ui`')
      return {
        url: `http://127.0.0.1:${context.port()}${UI_PATH}#link=${context.uiSessions.issueLink()}`,
        validMs: LINK_VALID_MS
      }
    },
    rates: () => agent.rates(),
    setRates: ({ body }) => {
      agent.setRates(stated(body))
      return agent.rates()
    },
    integration: async ({ body: { enabled, ...change } }) => {
      await agent.setIntegration(enabled, change)
      return status()
    },

    settings: () => ({ settings: settings.list(), problems: settings.problems() }),
    setSetting: ({ params, body: { value, ...change } }) => settings.set(params.name, value, change),
    unsetSetting: ({ params }) => settings.unset(params.name, { by: 'local API' })
  }
}

/** Without what was left out. */
function stated<T extends object>(body: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}

/** Sends the events after `since` and each new one. @returns what ends it */
function followEvents(agent: Agent, stream: EventStream, since: number, id: (seq: number) => string): () => void {
  const send = (event: { seq: number }) => stream.send('event', JSON.stringify(event), id(event.seq))
  for (const event of agent.events(since)) send(event)
  agent.on('event', send)
  return () => agent.off('event', send)
}

const wantsStream = (request: FastifyRequest): boolean => request.headers.accept?.includes('text/event-stream') ?? false

/** Newest event a returning reader has seen. */
function lastEventId(request: FastifyRequest): number | undefined {
  const text = request.headers['last-event-id']
  const seq = typeof text === 'string' ? /^(\d{1,15})(\.\d{1,15})?$/.exec(text)?.[1] : undefined
  return seq === undefined ? undefined : Number(seq)
}
