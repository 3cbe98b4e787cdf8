import { createParser } from 'eventsource-parser'
import {
  parseAnswer,
  type Answer,
  type AppInfo,
  type CommandInput,
  type LarderBridge
} from '../../src-main/contract/commands.ts'
import { ErrorView } from '../../src-main/contract/errors.ts'
import { SnapshotChange, SnapshotMessage, type SnapshotNews } from '../../src-main/contract/snapshot-message.ts'
import { uiRoutes } from '../../src-main/contract/ui.ts'
import { errorView } from './bridge.ts'
import type { Session } from './session.ts'

/** Waits between two tries to reach the agent, ms; the last one repeats. */
const RETRY_MS = [500, 1000, 2000, 5000]
/** A message longer than this, in characters, is taken for a broken stream. A snapshot of 500 transfers is under 1 MiB. */
export const MAX_EVENT_CHARS = 8_000_000

/** What the page can do by itself in a browser, where the agent has no desktop. */
const browserCommands = ['shell.copyText', 'shell.saveText'] as const

/**
 * The bridge of a window in a browser, over the loopback API of a headless agent; see {@link uiRoutes}. The token comes from a
 * {@link Session}. It is kept out of URLs, so that no log or history has it.
 */
export function createHttpBridge(session: Session, page: BrowserPage = browserPage): LarderBridge {
  const listeners = new Set<(news: SnapshotNews) => void>()
  let stopStream: (() => void) | null = null

  const headers = (): Record<string, string> => ({ authorization: `Bearer ${session.token() ?? ''}` })

  const post = async (command: CommandInput): Promise<Answer> => {
    if (session.token() === null) return refused()
    let response: Response
    try {
      response = await page.fetch(uiRoutes.commands, {
        method: 'POST',
        headers: { ...headers(), 'content-type': 'application/json' },
        body: JSON.stringify(command)
      })
    } catch {
      return { ok: false, error: errorView('AGENT_NOT_RUNNING', 'The agent does not answer.') }
    }
    if (response.status === 401) {
      session.end()
      return refused()
    }
    let body: unknown
    try {
      body = await response.json()
      if (!response.ok) return { ok: false, error: ErrorView.parse(body) }
    } catch {
      return {
        ok: false,
        error: errorView('INTERNAL', `The agent sent an invalid answer (status ${response.status}).`)
      }
    }
    try {
      return parseAnswer(command.c, body)
    } catch {
      // The page is read from the disk at each start of it, and may have been replaced under an agent that runs.
      return { ok: false, error: errorView('AGENT_UNSUPPORTED', 'The agent and this window have different versions.') }
    }
  }

  const listen = () => {
    const ended = new AbortController()
    void followStream(ended.signal)
    return () => ended.abort()
  }

  const followStream = async (signal: AbortSignal) => {
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        const response = await page.fetch(uiRoutes.stream, {
          headers: { ...headers(), accept: 'text/event-stream' },
          signal
        })
        if (response.status === 401) session.end()
        else if (response.ok && response.body !== null) {
          await readStream(response.body, () => (failures = -1))
        }
      } catch {
        // The mirror notices the silence; here it is only tried again.
      }
      if (session.token() === null) return
      await page.wait(RETRY_MS[Math.min(Math.max(failures, 0), RETRY_MS.length - 1)]!, signal)
    }
  }

  const readStream = async (body: ReadableStream<Uint8Array>, onMessage: () => void) => {
    const received: { schema: typeof SnapshotMessage | typeof SnapshotChange; data: string }[] = []
    let tooLong = false
    const parser = createParser({
      maxBufferSize: MAX_EVENT_CHARS,
      onEvent: ({ event, data }) => {
        const schema = event === 'message' ? SnapshotMessage : event === 'change' ? SnapshotChange : null
        if (schema !== null) received.push({ schema, data })
      },
      onError: ({ type }) => void (tooLong ||= type === 'max-buffer-size-exceeded')
    })
    const decoder = new TextDecoder()
    const reader = body.getReader()
    try {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return
        parser.feed(decoder.decode(value, { stream: true }))
        if (tooLong) return
        for (const { schema, data } of received.splice(0)) {
          // Reading, checking and drawing a large snapshot in one go would take longer than a frame.
          const read: unknown = JSON.parse(data)
          await page.nextTask()
          const news = schema.safeParse(read)
          if (!news.success) continue
          await page.nextTask()
          onMessage()
          for (const listener of listeners) listener(news.data)
        }
      }
    } finally {
      reader.cancel().catch(() => {})
    }
  }

  const invoke = async (command: CommandInput): Promise<Answer> => {
    switch (command.c) {
      case 'shell.copyText':
        return await page.copy(command.text)
      case 'shell.saveText':
        page.save(command.name, command.text)
        return { ok: true, value: { saved: true } }
      case 'app.info': {
        const answer = await post(command)
        if (!answer.ok) return answer
        const info = answer.value as AppInfo
        return { ok: true, value: { ...info, commands: [...new Set([...info.commands, ...browserCommands])] } }
      }
      default:
        return await post(command)
    }
  }

  return {
    invoke: invoke as LarderBridge['invoke'],
    onSnapshot: (listener) => {
      listeners.add(listener)
      stopStream ??= listen()
      return () => {
        listeners.delete(listener)
        if (listeners.size > 0) return
        stopStream?.()
        stopStream = null
      }
    }
  }
}

const refused = (): Answer => ({ ok: false, error: errorView('TOKEN_INVALID', 'This window is no longer signed in.') })

/** What the bridge needs of the browser. */
export interface BrowserPage {
  fetch(path: string, init: RequestInit): Promise<Response>
  wait(ms: number, signal: AbortSignal): Promise<void>
  /** Lets the page draw and answer before it goes on. */
  nextTask(): Promise<void>
  copy(text: string): Promise<Answer>
  save(name: string, text: string): void
}

export const browserPage: BrowserPage = {
  fetch: (path, init) =>
    fetch(new URL(path, location.href), {
      ...init,
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
      referrerPolicy: 'no-referrer'
    }),
  wait: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const timer = setTimeout(resolve, ms)
      signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
    }),
  // Not a timer: those are slowed down to one a second while the page is hidden, and the stream would run over.
  nextTask: () =>
    new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel()
      port1.addEventListener('message', () => (port1.close(), resolve()), { once: true })
      port1.start()
      port2.postMessage(null)
    }),
  copy: async (text) => {
    try {
      await navigator.clipboard.writeText(text)
      return { ok: true, value: {} }
    } catch {
      return { ok: false, error: errorView('FORBIDDEN', 'The browser does not let this page write to the clipboard.') }
    }
  },
  save: (name, text) => {
    const url = URL.createObjectURL(new Blob([text], { type: 'text/plain;charset=utf-8' }))
    const link = document.createElement('a')
    link.href = url
    link.download = name
    link.click()
    setTimeout(() => URL.revokeObjectURL(url), 10_000)
  }
}
