import { readFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { PAGE_POLICY } from '../src-main/contract/page-policy.ts'
import { afterNews, changeBetween } from '../src-main/contract/snapshot-change.ts'
import { isChange, type SnapshotMessage } from '../src-main/contract/snapshot-message.ts'
import { UI_PATH, uiRoutes } from '../src-main/contract/ui.ts'
import { createFixtureBridge } from '../src-renderer/testing/fixture-bridge.ts'
import { busy, fixtureEntries, stepOf } from '../src-renderer/testing/snapshots.ts'
import { fixtureSettings } from '../src-renderer/testing/settings.ts'

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml'
}
const TOKEN = 'bench-token-0123456789'
const MAX_BODY = 64 * 1024

export interface WindowServer {
  /** Address of the window, signed in. */
  readonly url: string
  /** Bytes of the newest snapshot as JSON. */
  readonly snapshotBytes: number
  /** Bytes of a change as it was told to a page, on average. */
  readonly changeBytes: number
  close(): Promise<void>
}

/**
 * Serves the built window in `bundle` as a headless agent would, with an agent behind it that is as busy as is asked for and
 * tells `perSecond` snapshots a second.
 */
export async function startWindowServer(
  bundle: string,
  load: { readonly transfers: number; readonly running: number; readonly entries: number; readonly perSecond: number }
): Promise<WindowServer> {
  const bridge = createFixtureBridge({
    snapshot: busy(load.transfers, load.running),
    entries: fixtureEntries(load.entries),
    settings: fixtureSettings(),
    without: ['shell.openFile']
  })
  /** The pages, and what each was sent last. */
  const streams = new Map<ServerResponse, SnapshotMessage | null>()
  let newest: SnapshotMessage | null = null
  const changes = { sent: 0, bytes: 0 }
  const send = (stream: ServerResponse): void => {
    const before = streams.get(stream) ?? null
    const news = (before && changeBetween(before, newest!)) ?? newest!
    const text = `event: ${isChange(news) ? 'change' : 'message'}\ndata: ${JSON.stringify(news)}\n\n`
    streams.set(stream, newest)
    stream.write(text)
    if (!isChange(news)) return
    changes.sent++
    changes.bytes += text.length
  }
  bridge.onSnapshot((news) => {
    newest = afterNews(newest, news)
    // A page that does not read fast enough gets the newest later, as it does with the agent.
    for (const stream of streams.keys()) if (!stream.writableNeedDrain) send(stream)
  })
  const timer = setInterval(() => bridge.change(stepOf), 1000 / load.perSecond)

  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://x')
    if (pathname === uiRoutes.session) return json(response, { token: TOKEN })
    if (pathname === uiRoutes.stream) {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
      streams.set(response, null)
      response.once('close', () => streams.delete(response))
      send(response)
      return
    }
    if (pathname === uiRoutes.commands) {
      let body = ''
      request.on('data', (part: Buffer) =>
        body.length > MAX_BODY ? request.destroy() : (body += part.toString('utf8'))
      )
      request.on('end', () => void bridge.invoke(JSON.parse(body)).then((answer) => json(response, answer)))
      return
    }
    const file = path.join(bundle, path.normalize(pathname.replace(UI_PATH, '/').replace(/\/$/, '/index.html')))
    if (!file.startsWith(bundle + path.sep)) return void response.writeHead(404).end()
    readFile(file).then(
      (bytes) =>
        response
          .writeHead(200, {
            'content-type': types[path.extname(file)] ?? 'application/octet-stream',
            'content-security-policy': PAGE_POLICY,
            'cache-control': 'no-store'
          })
          .end(bytes),
      () => response.writeHead(404).end()
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${UI_PATH}#link=bench`,
    get snapshotBytes() {
      return JSON.stringify(newest).length
    },
    get changeBytes() {
      return changes.bytes / changes.sent
    },
    close: () =>
      new Promise((resolve) => {
        clearInterval(timer)
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}
