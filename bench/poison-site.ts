import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Agent } from '../src-main/agent/agent.ts'
import { ask, startFleet, untilSnapshot, type Fleet } from '../src-main/testing/fleet.ts'
import { startHostilePeer, type HostilePeer } from '../src-main/testing/hostile-peer.ts'
import { askedOf } from '../src-main/testing/hostile-site.ts'
import { startOriginServer, type OriginServer } from '../src-main/testing/origin-server.ts'

export interface PoisonPlan {
  readonly pcs: number
  readonly liars: number
  readonly contents: number
  readonly size: number
  readonly seed: number
  /** A liar that all have found out comes back with another identity. */
  readonly returns: boolean
  /** No new content after that. */
  readonly limitMs: number
  /** Bytes in the middle that are wrong; absent: all are. */
  readonly patch?: number
}

export interface PoisonOutcome {
  readonly contents: number
  readonly files: number
  /** Delivered with other bytes than the origin has. */
  readonly wrong: number
  readonly failed: number
  /** Identities that lied, and those that every PC has found out. */
  readonly identities: number
  readonly found: number
  /** Contents in which a liar gave something, and those after which at least one PC knew. */
  readonly attacked: number
  readonly caught: number
  /** Delivered wrong although an honest PC had found its liar out before the content was asked for. */
  readonly wrongAfter: number
  /** PCs that still have something wrong in the cache of a liar that was found out, or were not told of what they had got. */
  readonly untold: number
  /** Origin bytes beside the comparisons, and for them, of all contents' bytes. */
  readonly originShare: number
  readonly sampledShare: number
}

/** Liars, honest PCs and contents without a digest, each asked for by all PCs at once. */
export async function poison(withoutDigest: 'trust' | 'check', plan: PoisonPlan): Promise<PoisonOutcome> {
  const out = await mkdtemp(join(tmpdir(), 'larder-poison-'))
  const origin = await startOriginServer()
  const fleet = await startFleet(plan.pcs, { sharing: { withoutDigest } })
  const site = new PoisonedSite(plan, fleet, origin, out)
  try {
    return await site.run()
  } finally {
    await site.close()
    // What was measured counts, whatever is left in a folder.
    await fleet.stop().catch((error: unknown) => process.stderr.write(`${String(error)}\n`))
    await origin.close()
    await rm(out, { recursive: true, force: true })
  }
}

class PoisonedSite {
  readonly #plan: PoisonPlan
  readonly #fleet: Fleet
  readonly #origin: OriginServer
  readonly #out: string
  readonly #known = new Map<string, Buffer>()
  readonly #liars: HostilePeer[] = []
  readonly #gone: HostilePeer[] = []
  /** By agent: digests of wrong files, and who lied then. */
  readonly #wrongOf: Map<string, readonly string[]>[]
  #bytes: Buffer | undefined

  constructor(plan: PoisonPlan, fleet: Fleet, origin: OriginServer, out: string) {
    this.#plan = plan
    this.#fleet = fleet
    this.#origin = origin
    this.#out = out
    this.#wrongOf = fleet.agents.map(() => new Map<string, readonly string[]>())
  }

  async run(): Promise<PoisonOutcome> {
    const { contents, size, limitMs } = this.#plan
    const startedMs = performance.now()
    const all = { contents: 0, files: 0, wrong: 0, failed: 0, attacked: 0, caught: 0, wrongAfter: 0 }
    for (let i = 0; i < contents && performance.now() - startedMs < limitMs; i++) {
      const one = await this.#content(i)
      all.contents++
      for (const [name, count] of Object.entries(one)) all[name as keyof typeof one] += count
    }
    const identities = [...this.#liars, ...this.#gone]
    const sampledBytes = this.#agents.reduce((sum, agent) => sum + agent.snapshot().totals.sampledBytes, 0)
    const contentBytes = all.contents * size
    return {
      ...all,
      identities: identities.length,
      found: identities.filter(({ id }) => this.#agents.every((agent) => hasFound(agent, id))).length,
      untold: this.#untold(),
      originShare: (this.#origin.stats().contentBytes - sampledBytes) / contentBytes,
      sampledShare: sampledBytes / contentBytes
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#liars, ...this.#gone].map((liar) => liar.stop()))
  }

  async #content(i: number) {
    const { size, seed, patch } = this.#plan
    const path = `/content-${i}.bin`
    const url = this.#origin.put(path, { generate: { bytes: size, seed: `${seed} ${i}` } })
    const right = await this.#origin.sha256(path)
    if (patch !== undefined) this.#bytes = await patched(url, patch, i)
    await this.#admitLiars()
    const learnt = await askedOf(url)
    if (learnt) this.#known.set(learnt.key, learnt.knowledge)
    const foundBefore = this.#agents.map((agent) => this.#liars.every(({ id }) => hasFound(agent, id)))
    const liars = [...this.#liars]
    const asked = liars.map((liar) => liar.asked)
    const counts = { files: 0, wrong: 0, failed: 0, attacked: 0, caught: 0, wrongAfter: 0 }
    await Promise.all(
      this.#fleet.agents.map(async ({ agent }, n) => {
        const destination = join(this.#out, `${i}-${n}`)
        const { state } = await ask(agent, { url, destination })
        counts.files++
        if (state !== 'done') return void counts.failed++
        const is = createHash('sha256')
          .update(await readFile(destination))
          .digest('hex')
        await rm(destination)
        if (is === right) return
        counts.wrong++
        this.#wrongOf[n]!.set(
          is,
          liars.map(({ id }) => id)
        )
        if (foundBefore[n]) counts.wrongAfter++
      })
    )
    const lied = this.#liars.filter((liar, n) => liar.asked > asked[n]!)
    counts.attacked = Number(lied.length > 0)
    counts.caught = Number(lied.some(({ id }) => this.#agents.some((agent) => hasFound(agent, id))))
    // What was found out by one is checked at the origin by each of the others.
    await this.#retire()
    this.#origin.remove(path)
    return counts
  }

  /** As many as there are to be, connected to everybody who takes them. */
  async #admitLiars(): Promise<void> {
    const { liars, size } = this.#plan
    const seeds = this.#agents.map((agent) => `127.0.0.1:${agent.snapshot().ports.peer}`)
    while (this.#liars.length < liars) {
      const bytes = () => this.#bytes
      const liar = await startHostilePeer({
        siteKey: this.#fleet.siteKey,
        lie: 'wrong-record',
        lengthBytes: size,
        seeds,
        get bytes() {
          return bytes()
        },
        knowledge: (key) => this.#known.get(key)
      })
      this.#liars.push(liar)
      await Promise.all(
        this.#agents.map((agent) =>
          untilSnapshot(agent, ({ peers }) => peers.some((p) => p.id === liar.id && p.state === 'connected'), 60_000)
        )
      )
    }
  }

  /** Whoever everybody has found out goes, and comes back as another. */
  async #retire(): Promise<void> {
    if (!this.#plan.returns) return
    for (const liar of this.#liars.splice(0)) {
      const found = this.#agents.some((agent) => hasFound(agent, liar.id))
      if (!found) this.#liars.push(liar)
      else {
        // Evidence takes a question to the origin.
        await Promise.all(this.#agents.map((agent) => untilFound(agent, liar.id)))
        this.#gone.push(liar)
        await liar.stop()
      }
    }
  }

  /** Agents that keep a wrong file of one they have found out, or never said that they had got it. */
  #untold(): number {
    return this.#agents.filter((agent, n) => {
      const known = [...this.#wrongOf[n]!].filter(([, liars]) => liars.some((id) => hasFound(agent, id)))
      const told = agent.events().some((e) => e.type === 'contentRecalled')
      const kept = agent.cache.list({}).entries.some(({ sha256 }) => known.some(([wrong]) => wrong === sha256))
      return known.length > 0 && (!told || kept)
    }).length
  }

  get #agents(): Agent[] {
    return this.#fleet.agents.map(({ agent }) => agent)
  }
}

const hasFound = (agent: Agent, id: string): boolean =>
  agent.events().some((event) => event.type === 'peerDistrusted' && event.peer === id)

/** At most a while: one that never took anything of it may have had nothing to check. */
async function untilFound(agent: Agent, id: string): Promise<void> {
  await untilSnapshot(agent, () => hasFound(agent, id), 1500).catch(() => {})
}

/** The content with wrong bytes at a place that differs from content to content. */
async function patched(url: string, length: number, i: number): Promise<Buffer> {
  const bytes = Buffer.from(await (await fetch(url)).arrayBuffer())
  const room = bytes.length - length
  const at = Math.floor(((i * 0.618_034) % 1) * room)
  for (let n = at; n < at + length; n++) bytes[n]! ^= 0xff
  return bytes
}
