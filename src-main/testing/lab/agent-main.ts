// An agent on a PC of the lab: `node agent-main.ts '<AgentMainOptions as JSON>'`. Lines of JSON: events out, questions in.
import { createInterface } from 'node:readline'
import { createAgent } from '../../agent/create-agent.ts'
import { Settings, type SettingsInput } from '../../contract/settings.ts'
import type { AgentEvent } from '../../contract/events.ts'
import { isFinal } from '../../contract/progress.ts'
import { RequestSpec, type RequestView } from '../../contract/request.ts'
import type { AgentSnapshot } from '../../contract/snapshot.ts'
import { systemClock } from '../../lib/clock.ts'

export interface AgentMainOptions {
  readonly dataDir: string
  readonly name: string
  readonly settings: SettingsInput
  /** Added to the wall clock, ms. */
  readonly wallOffsetMs?: number
}

/** `ms` is the monotonic clock of the machine, the same for all processes. */
export type AgentMainLine =
  | { readonly t: 'started' | 'event' | 'stopped'; readonly ms: number; readonly event?: AgentEvent }
  | { readonly t: 'snapshot'; readonly snapshot: AgentSnapshot }
  | { readonly t: 'got'; readonly view: RequestView; readonly ms: number }

const nowMs = (): number => Number(process.hrtime.bigint() / 1000n) / 1000
const say = (line: AgentMainLine): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

const { dataDir, name, settings, wallOffsetMs = 0 } = JSON.parse(process.argv[2]!) as AgentMainOptions
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const clock = { ...systemClock, wallMs: () => systemClock.wallMs() + wallOffsetMs }
const agent = createAgent({ dataDir, name, settings: Settings.parse(settings) }, { clock, log: silent, env: {} })
agent.on('event', (event) => say({ t: 'event', ms: nowMs(), event }))
say({ t: 'started', ms: nowMs() })
await agent.start()
/** Into the cache alone. */
function get(url: string): void {
  const { id } = agent.request(RequestSpec.parse({ url }))
  const ended = (view: RequestView): void => {
    if (view.id !== id || !isFinal(view)) return
    agent.off('request', ended)
    say({ t: 'got', view, ms: nowMs() })
  }
  agent.on('request', ended)
}

createInterface({ input: process.stdin }).on('line', (question) => {
  if (question === 'snapshot') say({ t: 'snapshot', snapshot: agent.snapshot() })
  if (question.startsWith('get ')) get(question.slice(4))
  if (question === 'refresh') agent.refresh()
  if (question === 'stop') {
    void agent.stop().then(() => {
      say({ t: 'stopped', ms: nowMs() })
      process.exit(0)
    })
  }
})
