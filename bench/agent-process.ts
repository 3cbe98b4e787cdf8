import { readFileSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { AgentHttp } from '../src-main/client/agent-http.ts'
import type { ApiToken, VerifyView } from '../src-main/contract/api.ts'
import type { AgentEvent } from '../src-main/contract/events.ts'
import type { RequestSpecInput, RequestView } from '../src-main/contract/request.ts'
import type { AgentSnapshot } from '../src-main/contract/snapshot.ts'
import { cliFile } from '../scripts/bundles.ts'
import type { RunningProgram, RunScope } from './run-scope.ts'

/** One line that `larder agent --json` prints when it is ready. */
const Ready = z.object({
  ready: z.literal(true),
  pid: z.number().int(),
  apiPort: z.number().int(),
  peerPort: z.number().int().nullable(),
  id: z.string(),
  dataDir: z.string()
})

/** An agent in a process of its own, and its local API. */
export interface AgentProcess {
  readonly name: string
  readonly id: string
  readonly pid: number
  readonly apiPort: number
  readonly peerPort: number | null
  readonly dataDir: string
  readonly ended: boolean
  ask(spec: RequestSpecInput): Promise<RequestView>
  requests(): Promise<RequestView[]>
  /** How many requests have not ended. */
  requestsRunning(): Promise<number>
  snapshot(): Promise<AgentSnapshot>
  events(): Promise<AgentEvent[]>
  /** Reads every content of its cache. */
  verify(): Promise<VerifyView>
  kill(): void
  stop(): Promise<void>
}

export interface AgentOptions {
  readonly name: string
  readonly siteKey: string
  readonly beaconPort: number
  /** TCP port for peers; any free one by default. */
  readonly peerPort?: number
  /** Greets these peers instead of using the beacon. */
  readonly seeds?: readonly string[]
  /** `section.name=value` */
  readonly settings?: readonly string[]
  /** Where it keeps everything; a new folder by default. */
  readonly dataDir?: string
  /** Where what it says goes; into its folder by default, which may be one that cannot be written. */
  readonly logFile?: string
}

/** Arguments of the agents' Node, for profiling: `BENCH_NODE_ARGS="--cpu-prof --cpu-prof-dir=/tmp/profiles"`. */
function nodeArgs(): string[] {
  return (process.env['BENCH_NODE_ARGS'] ?? '').split(' ').filter((arg) => arg !== '')
}

/** Starts `larder agent` on loopback. */
export async function startAgent(scope: RunScope, options: AgentOptions): Promise<AgentProcess> {
  const dataDir = options.dataDir ?? scope.folder(options.name)
  const args = [
    ...nodeArgs(),
    cliFile,
    'agent',
    '--data-dir',
    dataDir,
    '--name',
    options.name,
    '--api-port',
    '0',
    '--peer-port',
    String(options.peerPort ?? 0),
    '--beacon-port',
    String(options.beaconPort),
    '--listen',
    '127.0.0.1',
    '--include-loopback',
    '--set',
    'origin.trustLoopback=true',
    '--log-level',
    'warn',
    '--json'
  ]
  if (options.seeds) args.push('--no-beacon', ...options.seeds.flatMap((seed) => ['--seed', seed]))
  for (const setting of options.settings ?? []) args.push('--set', setting)
  const program = await scope.start(process.execPath, args, {
    logFile: options.logFile ?? path.join(dataDir, 'bench-stderr.log'),
    env: { LARDER_FLEET_KEY: options.siteKey }
  })
  const ready = Ready.safeParse(program.ready)
  if (!ready.success) throw new Error(`${options.name} did not start: ${JSON.stringify(program.ready).slice(0, 1000)}`)
  return agentProcess(options.name, program, ready.data)
}

function agentProcess(name: string, program: RunningProgram, ready: z.infer<typeof Ready>): AgentProcess {
  const token = readFileSync(path.join(ready.dataDir, 'api-token'), 'utf8').trim() as ApiToken
  const agent = new AgentHttp({ port: ready.apiPort, token })
  /** Whose call it was, and whether its process still runs. */
  const called = async <T>(answer: (options: { signal: AbortSignal }) => Promise<T>): Promise<T> => {
    try {
      return await answer({ signal: AbortSignal.timeout(30_000) })
    } catch (error) {
      throw new Error(`A call to ${name} failed (${(error as Error).message}); ${program.fate}`, { cause: error })
    }
  }
  return {
    name,
    id: ready.id,
    // The process that was started, so that nothing else is ever ended.
    pid: program.pid,
    apiPort: ready.apiPort,
    peerPort: ready.peerPort,
    dataDir: ready.dataDir,
    get ended() {
      return program.ended
    },
    ask: (spec) => called((options) => agent.call('request.start', { spec }, options)),
    requests: async () => (await called((options) => agent.call('request.list', {}, options))).requests,
    requestsRunning: async () => (await called((options) => agent.call('agent.status', {}, options))).requestsRunning,
    snapshot: () => called((options) => agent.call('agent.snapshot', {}, options)),
    events: async () => (await called((options) => agent.call('events.list', {}, options))).events,
    verify: () => called((options) => agent.call('cache.verify', {}, options)),
    kill: program.kill,
    stop: program.stop
  }
}
