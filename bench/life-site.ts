import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type AgentConnection } from '../src-main/client/index.ts'
import type { RequestId } from '../src-main/contract/ids.ts'
import { finalRequestStates, type RequestSpecInput, type RequestView } from '../src-main/contract/request.ts'
import type { SeededRandom } from '../src-main/testing/mutate.ts'
import { startOriginServer, type OriginServer } from '../src-main/testing/origin-server.ts'
import { startAgent, type AgentProcess } from './agent-process.ts'
import { newSiteKey } from '../src-main/peers/fleet/site-key.ts'
import type { RunScope } from './run-scope.ts'

/** How a file can come: each has its own path through the agent. */
export const contentKinds = ['shared', 'private', 'chunked', 'no head', 'small'] as const
export type LifeContentKind = (typeof contentKinds)[number]

/** One request of a round. */
export interface Asked {
  readonly kind: LifeContentKind
  readonly path: string
  readonly sha256: string
  readonly bytes: number
  destination: string
  spec: RequestSpecInput
  id: RequestId
  /** It was cancelled, or lost with its agent: it may end without a file. */
  mayEndWithout: boolean
}

const RATE = 24_000_000
const LARGE_BYTES = 3 * 1024 * 1024
/** Nothing moves for this long: what has not ended by then does not end. */
const STILL_MS = 40_000
const settings = ['cache.minFreeBytes=0', 'transfers.originConcurrency=3', 'transfers.firstByteMs=4000']

/** An origin and two agents in processes of their own; the first one is the one that things happen to. */
export class LifeSite {
  readonly origin: OriginServer
  readonly #scope: RunScope
  readonly #siteKey = newSiteKey()
  readonly #dirs: string[]
  readonly #files: string
  #agents: AgentProcess[] = []
  #connection: AgentConnection | null = null
  #names = 0
  #folder: string
  #rounds = 0

  private constructor(scope: RunScope, origin: OriginServer) {
    this.#scope = scope
    this.origin = origin
    this.#dirs = [scope.folder('life-pc-0'), scope.folder('life-pc-1')]
    this.#files = scope.folder('life-files')
    this.#folder = path.join(this.#files, 'out-0')
  }

  static async start(scope: RunScope): Promise<LifeSite> {
    const site = new LifeSite(scope, await startOriginServer({ rateBytesPerSecond: RATE, latencyMs: 15 }))
    await site.restart(1)
    await site.restart(0)
    return site
  }

  get agent(): AgentConnection {
    return this.#connection!
  }

  /** Starts the agent of this number (again), with the folder it had. */
  async restart(index: 0 | 1): Promise<void> {
    const other = this.#agents[1 - index]
    this.#agents[index] = await startAgent(this.#scope, {
      name: `pc-${index}`,
      siteKey: this.#siteKey,
      beaconPort: 1,
      seeds: [`127.0.0.1:${other?.ended === false ? other.peerPort : 1}`],
      settings,
      dataDir: this.#dirs[index]!,
      logFile: path.join(this.#files, `pc-${index}.log`)
    })
    if (index === 0) this.#connection = await connect({ dataDir: this.#dirs[0]! })
  }

  /** @returns ms until the process had ended after SIGTERM; Infinity when it had to be killed */
  async stop(): Promise<number> {
    const agent = this.#agents[0]!
    const startedMs = performance.now()
    process.kill(agent.pid, 'SIGTERM')
    while (!agent.ended) {
      if (performance.now() - startedMs > 15_000) {
        await this.kill()
        return Infinity
      }
      await sleep(2)
    }
    return performance.now() - startedMs
  }

  async kill(): Promise<void> {
    const agent = this.#agents[0]!
    agent.kill()
    while (!agent.ended) await sleep(2)
  }

  /** New files at the origin, and what to ask for: some of it more than once. */
  async plan(random: SeededRandom): Promise<Asked[]> {
    rmSync(this.#folder, { recursive: true, force: true })
    // What a round before should have ended does not come in the way of this one.
    this.#folder = path.join(this.#files, `out-${++this.#rounds}`)
    mkdirSync(this.#folder)
    const asked: Asked[] = []
    for (let files = 1 + random.below(5); files > 0; files--) {
      const kind = random.of(contentKinds)
      const name = `/life-${++this.#names}.bin`
      const bytes = kind === 'small' ? 1 + random.below(30_000) : LARGE_BYTES + random.below(LARGE_BYTES)
      this.origin.put(
        name,
        { generate: { bytes, seed: name } },
        {
          faults:
            kind === 'chunked'
              ? { noLength: true }
              : kind === 'no head'
                ? { statuses: [{ status: 405, onlyMethod: 'HEAD' }] }
                : {}
        }
      )
      const sha256 = await this.origin.sha256(name)
      for (let times = 1 + random.below(kind === 'private' ? 1 : 3); times > 0; times--) {
        const destination = path.join(this.#folder, `${asked.length}`)
        const spec: RequestSpecInput = {
          url: this.origin.url + name,
          destination,
          timeoutMs: 60_000,
          priority: random.of(['foreground', 'background']),
          ...(kind === 'private' && { headers: { Authorization: 'Bearer life' } })
        }
        asked.push({ kind, path: name, sha256, bytes, destination, spec, id: '' as RequestId, mayEndWithout: false })
      }
    }
    return asked
  }

  async ask(one: Asked): Promise<void> {
    one.id = (await this.agent.request(one.spec)).id
  }

  async views(): Promise<Map<string, RequestView>> {
    return new Map((await this.agent.requests()).map((view) => [view.id, view]))
  }

  /** Waits for the end of all requests. @returns what does not hold, in words */
  async finish(asked: readonly Asked[]): Promise<string[]> {
    let views = await this.views()
    const open = () => asked.filter(({ id }) => !finalRequestStates.includes(views.get(id)?.state ?? 'checking'))
    let movedMs = performance.now()
    let seen = ''
    while (open().length > 0 && performance.now() - movedMs < STILL_MS) {
      await sleep(20)
      views = await this.views()
      const now = JSON.stringify(open().map(({ id }) => [id, views.get(id)?.state, views.get(id)?.haveBytes]))
      if (now !== seen) movedMs = performance.now()
      seen = now
    }
    const broken: string[] = []
    for (const one of asked) {
      const view = views.get(one.id)
      const what = `a ${one.kind} request`
      const there = existsSync(one.destination)
      if (there && sha256Of(one.destination) !== one.sha256) broken.push(`${what} left a wrong file`)
      if (!view) broken.push(`${what} is not known any more`)
      else if (!finalRequestStates.includes(view.state))
        broken.push(`${what} did not end: ${view.state}, ${view.haveBytes} of ${one.bytes} bytes`)
      else if (view.state === 'done' && !there) broken.push(`${what} is done without a file`)
      else if (view.state !== 'done' && there) broken.push(`${what} is ${view.state} and left a file`)
      else if (view.state !== 'done' && !one.mayEndWithout)
        broken.push(`${what} ended as ${view.state}: ${view.error?.code} ${view.error?.message}`)
    }
    const named = new Set(asked.map(({ destination }) => path.basename(destination)))
    const strays = readdirSync(this.#folder).filter((name) => !named.has(name))
    if (strays.length > 0) broken.push(`beside the destinations lies ${strays.join(', ')}`)
    for (const name of new Set(asked.map((one) => one.path))) this.origin.remove(name)
    return broken
  }

  async close(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.stop()))
    await this.origin.close()
  }
}

function sha256Of(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}
