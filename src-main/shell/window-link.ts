import { createParser } from 'eventsource-parser'
import type { AgentAddress } from '../client/local-files.ts'
import type { Answer } from '../contract/commands.ts'
import { ErrorView } from '../contract/errors.ts'
import { SnapshotChange, SnapshotMessage, type SnapshotNews } from '../contract/snapshot-message.ts'
import { UiAnswer, uiRoutes } from '../contract/ui.ts'
import { LarderError } from '../lib/errors.ts'

const MAX_MESSAGE_BYTES = 32 * 1024 * 1024

/** A window of this user at the machine agent: the routes that a browser's page uses too. */
export class WindowLink {
  readonly #address: AgentAddress

  constructor(address: AgentAddress) {
    this.#address = address
  }

  /** @throws AGENT_NOT_RUNNING, and the agent's refusal of this user */
  async command(command: unknown): Promise<Answer> {
    const response = await this.#fetch(uiRoutes.commands, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(command)
    })
    return UiAnswer.parse(await response.json())
  }

  /** News until the agent ends, or the signal. @throws AGENT_NOT_RUNNING, and the agent's refusal of this user */
  async *news(signal: AbortSignal): AsyncGenerator<SnapshotNews> {
    const response = await this.#fetch(uiRoutes.stream, { headers: { accept: 'text/event-stream' }, signal })
    const news: SnapshotNews[] = []
    const parser = createParser({
      maxBufferSize: MAX_MESSAGE_BYTES,
      onEvent: ({ event, data }) => {
        const json: unknown = JSON.parse(data)
        if (event === 'message') news.push(SnapshotMessage.parse(json))
        if (event === 'change') news.push(SnapshotChange.parse(json))
      }
    })
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) {
      parser.feed(decoder.decode(chunk, { stream: true }))
      yield* news.splice(0)
    }
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const { port, token } = this.#address
    let response: Response
    try {
      response = await fetch(`http://127.0.0.1:${port}${path}`, {
        ...init,
        redirect: 'error',
        headers: { ...(init.headers as Record<string, string>), authorization: `Bearer ${token}` }
      })
    } catch (cause) {
      throw new LarderError('AGENT_NOT_RUNNING', 'The agent of this PC does not answer', { cause })
    }
    if (response.ok) return response
    const view = ErrorView.safeParse(await response.json().catch(() => null)).data
    throw view
      ? LarderError.fromView(view)
      : new LarderError('AGENT_UNSUPPORTED', 'The agent sent an answer that this program does not understand')
  }
}
