import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Log } from '../agent/agent.ts'
import { isChange, type SnapshotNews } from '../contract/snapshot-message.ts'
import { SessionSpec, SessionView, UI_PATH, UiAnswer, uiRoutes } from '../contract/ui.ts'
import { LarderError } from '../lib/errors.ts'
import { bundleHeaders, readBundleFile } from '../window/bundle-files.ts'
import type { EventStream } from './event-stream.ts'
import { bearerOf } from './guard.ts'
import type { Ui } from './ui.ts'
import type { WindowView } from './user-windows.ts'

export interface UiRoutesContext {
  /** Absent: no page is served to browsers. */
  readonly ui?: Ui | undefined
  /** The window of a user of the PC who has shown a token; undefined: nobody has left it. */
  readonly windowOf: (token: string) => Promise<WindowView | undefined>
  readonly log: Log
  /** Turns the answer into a stream. @throws BUSY when too many are open */
  openStream(reply: FastifyReply): EventStream
}

/**
 * The page of the window and what it speaks with. The page's files hold no secret and are given to any browser of this PC;
 * everything else needs a session.
 */
export function addUiRoutes(app: FastifyInstance, context: UiRoutesContext): void {
  const { ui, openStream } = context
  if (ui) addPage(app, ui, context.log)

  /** Who may speak for a window, and whether they still may. */
  const sessionOf = async (request: FastifyRequest): Promise<{ readonly view: WindowView; admits(): boolean }> => {
    const token = bearerOf(request.headers.authorization)
    if (token !== undefined && ui?.sessions.admits(token)) return { view: ui, admits: () => ui.sessions.admits(token) }
    const view = token === undefined ? undefined : await context.windowOf(token)
    if (!view) throw new LarderError('TOKEN_INVALID', 'This window is not signed in')
    return { view, admits: () => true }
  }

  app.post(uiRoutes.commands, { schema: { response: { 200: UiAnswer } } }, (request) =>
    sessionOf(request).then(({ view }) => view.command(request.body))
  )

  let written: { news: SnapshotNews; json: string } | undefined
  const jsonOf = (news: SnapshotNews): string => {
    // One string per message, however many windows there are.
    if (written?.news !== news) written = { news, json: JSON.stringify(news) }
    return written.json
  }
  app.get(uiRoutes.stream, async (request, reply) => {
    const { view, admits } = await sessionOf(request)
    const stream = openStream(reply)
    const next = view.reader()
    const send = () => {
      const news = next()
      return { event: isChange(news) ? 'change' : 'message', json: jsonOf(news) }
    }
    const push = (): void => {
      if (admits()) stream.sendNewest(send)
      else stream.end()
    }
    push()
    stream.once('closed', view.follow(push))
    return reply
  })
}

function addPage(app: FastifyInstance, ui: Ui, log: Log): void {
  const { sessions } = ui

  app.get(UI_PATH.slice(0, -1), (_request, reply) => reply.redirect(UI_PATH, 308))
  app.get(`${UI_PATH}*`, async (request, reply) => {
    // The path as it was sent, so that it is decoded once, where it is checked.
    const pathname = (request.raw.url ?? '').split(/[?#]/, 1)[0]!.slice(UI_PATH.length - 1)
    const file = await readBundleFile(ui.rendererDir, pathname)
    void reply.headers(bundleHeaders)
    if (file === null) throw new LarderError('NOT_FOUND', 'The window has no such file')
    return reply.type(file.type).send(Buffer.from(file.body))
  })

  app.post(uiRoutes.session, { schema: { body: SessionSpec, response: { 200: SessionView } } }, (request) => {
    const token = sessions.redeem((request.body as SessionSpec).link)
    if (token === null)
      throw new LarderError('TOKEN_INVALID', 'This link has been used, or is too old; `larder ui` makes a new one')
    log.info({}, 'a browser has opened the window')
    return { token }
  })

  app.delete(uiRoutes.session, (request, reply) => {
    const token = bearerOf(request.headers.authorization)
    if (token === undefined || !sessions.admits(token))
      throw new LarderError('TOKEN_INVALID', 'This window is not signed in')
    sessions.revoke(token)
    log.info({}, 'a browser has signed out of the window')
    return reply.code(204).send()
  })
}
