import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Log } from '../agent/agent.ts'
import { isChange, type SnapshotNews } from '../contract/snapshot-message.ts'
import { SessionSpec, SessionView, UI_PATH, UiAnswer, uiRoutes } from '../contract/ui.ts'
import { LarderError } from '../lib/errors.ts'
import { bundleHeaders, readBundleFile } from '../window/bundle-files.ts'
import type { EventStream } from './event-stream.ts'
import { bearerOf } from './guard.ts'
import type { Ui } from './ui.ts'

export interface UiRoutesContext {
  readonly ui: Ui
  readonly log: Log
  /** Turns the answer into a stream. @throws BUSY when too many are open */
  openStream(reply: FastifyReply): EventStream
}

/**
 * The page of the window and what it speaks with. The page's files hold no secret and are given to any browser of this PC;
 * everything else needs a session.
 */
export function addUiRoutes(app: FastifyInstance, { ui, log, openStream }: UiRoutesContext): void {
  const { sessions } = ui
  const hidden = { hide: true } as const

  app.get(UI_PATH.slice(0, -1), { schema: hidden }, (_request, reply) => reply.redirect(UI_PATH, 308))
  app.get(`${UI_PATH}*`, { schema: hidden }, async (request, reply) => {
    // The path as it was sent, so that it is decoded once, where it is checked.
    const pathname = (request.raw.url ?? '').split(/[?#]/, 1)[0]!.slice(UI_PATH.length - 1)
    const file = await readBundleFile(ui.rendererDir, pathname)
    void reply.headers(bundleHeaders)
    if (file === null) throw new LarderError('NOT_FOUND', 'The window has no such file')
    return reply.type(file.type).send(Buffer.from(file.body))
  })

  app.post(
    uiRoutes.session,
    { schema: { ...hidden, body: SessionSpec, response: { 200: SessionView } } },
    (request) => {
      const token = sessions.redeem((request.body as SessionSpec).link)
      if (token === null)
        throw new LarderError('TOKEN_INVALID', 'This link has been used, or is too old; `larder ui` makes a new one')
      log.info({}, 'a browser has opened the window')
      return { token }
    }
  )

  app.delete(uiRoutes.session, { schema: hidden }, (request, reply) => {
    sessions.revoke(sessionOf(request))
    log.info({}, 'a browser has signed out of the window')
    return reply.code(204).send()
  })

  const onRequest = async (request: FastifyRequest): Promise<void> => void sessionOf(request)
  const sessionOf = (request: FastifyRequest): string => {
    const token = bearerOf(request.headers.authorization)
    if (token === undefined || !sessions.admits(token))
      throw new LarderError('TOKEN_INVALID', 'This window is not signed in')
    return token
  }

  app.post(uiRoutes.commands, { onRequest, schema: { ...hidden, response: { 200: UiAnswer } } }, (request) =>
    ui.command(request.body)
  )

  let written: { news: SnapshotNews; json: string } | undefined
  const jsonOf = (news: SnapshotNews): string => {
    // One string per message, however many windows there are.
    if (written?.news !== news) written = { news, json: JSON.stringify(news) }
    return written.json
  }
  app.get(uiRoutes.stream, { schema: hidden }, (request, reply) => {
    const token = sessionOf(request)
    const stream = openStream(reply)
    const next = ui.reader()
    const send = () => {
      const news = next()
      return { event: isChange(news) ? 'change' : 'message', json: jsonOf(news) }
    }
    const push = (): void => {
      if (sessions.admits(token)) stream.sendNewest(send)
      else stream.end()
    }
    push()
    stream.once('closed', ui.follow(push))
    return reply
  })
}
