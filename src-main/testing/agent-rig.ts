import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runLocalAgent, type RunningAgent } from '../api/local-agent.ts'
import type { UiOptions } from '../api/ui.ts'
import { Settings, type SettingsInput } from '../contract/settings.ts'
import { systemClock, type Clock } from '../lib/clock.ts'
import { settingsInMemory } from '../settings/live-settings.ts'
import { AgentDouble } from './agent-double.ts'
import { keptLog, type KeptLog } from './kept-log.ts'

/** A local agent around an {@link AgentDouble}: real folder, real socket, any free port. */
export interface AgentRig {
  readonly dir: string
  readonly dataDir: string
  readonly double: AgentDouble
  readonly running: RunningAgent
  readonly log: KeptLog
  readonly port: number
  readonly token: string
  /** One call as `node:http` sends it; no header is added but Host, Authorization and the given ones. */
  call(
    method: string,
    path: string,
    options?: { headers?: Record<string, string | null>; body?: string | Buffer }
  ): Promise<{ status: number; headers: IncomingHttpHeaders; text: string; json: any }>
  /** Ends the agent without a trace of goodbye at the API: connections break. */
  close(): Promise<void>
}

export async function startAgentRig(
  options: {
    settings?: SettingsInput
    /** Text of a machine policy. */
    policy?: string
    clock?: Clock
    name?: string
    ui?: UiOptions
    /** Serves all users of the PC, who find it at `place`. */
    machine?: { place: string }
  } = {}
): Promise<AgentRig> {
  const dir = await mkdtemp(join(tmpdir(), 'larder-rig-'))
  const dataDir = join(dir, 'data')
  const log = keptLog()
  let double: AgentDouble | undefined
  const { clock = systemClock } = options
  const settings = Settings.parse({ ...options.settings, ports: { api: 0, ...options.settings?.ports } })
  const running = await runLocalAgent({
    dataDir,
    settings: settingsInMemory(settings, clock, options.policy),
    clock,
    log,
    ...(options.name !== undefined && { name: options.name }),
    ...(options.ui && { ui: options.ui }),
    machine: options.machine,
    createAgent: (config, host) => (double = new AgentDouble(config, host))
  })
  const token = await readFile(running.paths.apiToken, 'utf8')
  const port = running.apiPort
  return {
    dir,
    dataDir,
    double: double!,
    running,
    log,
    port,
    token,
    call(method, path, { headers = {}, body } = {}) {
      const all: Record<string, string | null> = {
        host: `127.0.0.1:${port}`,
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers
      }
      const sent = Object.fromEntries(
        Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null)
      )
      return new Promise((resolve, reject) => {
        const request = httpRequest(
          { host: '127.0.0.1', port, method, path, headers: sent, agent: false, setHost: false },
          (response) => {
            const chunks: Buffer[] = []
            response.on('data', (chunk: Buffer) => chunks.push(chunk))
            response.on('error', reject)
            response.on('end', () => {
              const text = Buffer.concat(chunks).toString('utf8')
              let json: unknown
              try {
                json = JSON.parse(text)
              } catch {
                json = undefined
              }
              resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json })
            })
          }
        )
        request.on('error', reject)
        request.end(body)
      })
    },
    async close() {
      await running.stop()
      await rm(dir, { recursive: true, force: true })
    }
  }
}
