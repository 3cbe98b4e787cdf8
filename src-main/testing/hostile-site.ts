import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RequestSpecInput, RequestView } from '../contract/request.ts'
import type { SettingsInput } from '../contract/settings.ts'
import type { ContentKey } from '../contract/ids.ts'
import { contentKeyOf, knowledgeOf } from '../origin/content-key.ts'
import type { OriginVersion } from '../origin/origin.ts'
import { ask, startFleet, untilSnapshot, type Fleet } from './fleet.ts'
import { startHostilePeer, type HostilePeer, type Lie } from './hostile-peer.ts'
import { startOriginServer, type OriginServer } from './origin-server.ts'

const HONEST = 3

/** Three honest agents, an origin, and members that lie. */
export class HostileSite {
  readonly fleet: Fleet
  readonly origin: OriginServer
  readonly #out: string
  readonly #liars: HostilePeer[] = []
  /** What the liars know because they have asked the origin as well. */
  readonly #known = new Map<ContentKey, Buffer>()

  private constructor(fleet: Fleet, origin: OriginServer, out: string) {
    this.fleet = fleet
    this.origin = origin
    this.#out = out
  }

  /** @param settings of the honest agents */
  static async open(settings: SettingsInput): Promise<HostileSite> {
    const out = await mkdtemp(join(tmpdir(), 'larder-out-'))
    const origin = await startOriginServer()
    return new HostileSite(await startFleet(HONEST, settings), origin, out)
  }

  /** Starts a liar and waits until everybody is connected to it. @param lengthBytes of the contents it says it has */
  async admit(lie: Lie, lengthBytes: number, bytes?: Buffer): Promise<HostilePeer> {
    const { agents, siteKey } = this.fleet
    const mallory = await startHostilePeer({
      siteKey,
      lie,
      lengthBytes,
      bytes,
      knowledge: (key) => this.#known.get(key),
      seeds: agents.map(({ agent }) => `127.0.0.1:${agent.snapshot().ports.peer}`)
    })
    this.#liars.push(mallory)
    for (const { agent } of agents)
      await untilSnapshot(agent, (s) => s.peers.some((p) => p.id === mallory.id && p.state === 'connected'))
    return mallory
  }

  /** Honest agents ask for the same at once, all or some of them. @returns how it ended for each, and the SHA-256 of the file each got */
  async ask(
    what: Pick<RequestSpecInput, 'url' | 'integrity' | 'kind'>,
    agents = HONEST
  ): Promise<{ views: RequestView[]; files: (string | null)[] }> {
    if (this.#liars.length > 0) await this.learn(what.url)
    const asking = this.fleet.agents
      .slice(0, agents)
      .map(({ agent }, i) => ({ agent, destination: join(this.#out, `${i}`) }))
    const views = await Promise.all(asking.map(({ agent, destination }) => ask(agent, { ...what, destination })))
    return { views, files: await Promise.all(asking.map(({ destination }) => sha256Of(destination))) }
  }

  /** The liars ask the origin as any member may. */
  async learn(url: string): Promise<void> {
    const learnt = await askedOf(url)
    if (learnt) this.#known.set(learnt.key, learnt.knowledge)
  }

  async close(): Promise<void> {
    await Promise.all(this.#liars.map((liar) => liar.stop()))
    await this.fleet.stop()
    await this.origin.close()
    await rm(this.#out, { recursive: true, force: true })
  }
}

/** What somebody knows of a version who has asked its origin. */
export async function askedOf(url: string): Promise<{ key: ContentKey; knowledge: Buffer } | undefined> {
  const { headers } = await fetch(url, { method: 'HEAD' })
  const version = {
    url,
    etag: headers.get('etag'),
    lastModified: headers.get('last-modified'),
    lengthBytes: Number(headers.get('content-length')),
    sha256: null,
    unshareable: null
  }
  const key = contentKeyOf(version as unknown as OriginVersion, null)
  const knowledge = knowledgeOf(version)
  return key && knowledge ? { key, knowledge } : undefined
}

/** Null: there is no such file. */
async function sha256Of(path: string): Promise<string | null> {
  const bytes = await readFile(path).catch(() => null)
  return bytes && createHash('sha256').update(bytes).digest('hex')
}
