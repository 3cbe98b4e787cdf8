import type { ContentKey } from '../../contract/ids.ts'
import type { PeerMessage } from '../../contract/peer-messages.ts'
import type { Faults } from './faults.ts'
import type { SimContent } from './sim-bytes.ts'
import type { SimSubnet } from './sim-subnet.ts'

/** After the last trouble; a connection ends after 12 s of silence, a lease after 5 s. */
const QUIET_MS = 20_000
const MOST_NAMED = 20

/** What must hold at every moment, and at the end. What does not is kept in words. */
export class Invariants {
  readonly violations: string[] = []
  readonly #epochs = new Map<string, number>()
  readonly #masters = new Map<ContentKey, Set<number>>()
  #watched: { readonly subnet: SimSubnet; readonly faults: Faults } | null = null

  /** @param faults what goes wrong meanwhile */
  watch(subnet: SimSubnet, faults: Faults): void {
    this.#watched = { subnet, faults }
  }

  /** Each message as it leaves. */
  sent(from: number, to: number, message: PeerMessage): void {
    if (message.t === 'claim.decision') this.#decided(`${from} ${to} ${message.key}`, from, to, message.epoch)
    else if (message.t === 'claim.put') this.#claimed(from, message.key, message.role === 'mastering')
    else if (message.t === 'claim.close') this.#claimed(from, message.key, false)
  }

  /** What a coordinator says to one must not fall behind what it has said to it. */
  #decided(about: string, from: number, to: number, epoch: number): void {
    const known = this.#epochs.get(about) ?? 0
    if (epoch < known) this.#broken(`coordinator ${from} went back for ${to} from epoch ${known} to ${epoch}`)
    this.#epochs.set(about, Math.max(known, epoch))
  }

  /**
   * Of PCs that are connected, and have been for a while, no two say that they are master. A liar that was found out does not count: nobody
   * speaks to it about the content any more, so it does not hear that another one is master now.
   */
  #claimed(by: number, key: ContentKey, isMaster: boolean): void {
    const masters = this.#masters.get(key) ?? new Set()
    this.#masters.set(key, masters)
    if (!isMaster) return void masters.delete(by)
    masters.add(by)
    if (masters.size < 2 || !this.#watched) return
    const { subnet, faults } = this.#watched
    for (const index of masters) if (!subnet.agents[index]!.process.isAlive) masters.delete(index)
    if (subnet.sim.nowMs - faults.lastMs < QUIET_MS) return
    for (const other of masters)
      if (other !== by && !faults.liars.has(by) && !faults.liars.has(other) && subnet.wires.has(by, other))
        this.#broken(`${by} and ${other} are masters at the same time`)
  }

  /** Nothing happens any more, and nobody has been stopped. */
  atTheEnd({ agents, origin }: SimSubnet, faults: Faults, content: SimContent): void {
    for (const agent of agents) {
      const { index, requests, source, elections } = agent
      if (!agent.process.isAlive) continue
      for (const request of requests) {
        if (request.ends !== 1) this.#broken(`a request of ${index} was over ${request.ends} times`)
        if (request.error && !faults.full.has(index))
          this.#broken(`a request of ${index} failed: ${request.error.code}`)
        if (request.got && request.got.sha256 !== content.sha256) this.#broken(`${index} got another content`)
      }
      for (const [i, { epoch, tableSince }] of elections.entries()) {
        const last = elections[i - 1]
        if (last?.tableSince === tableSince && epoch <= last.epoch)
          this.#broken(`${index} elected twice in epoch ${epoch}`)
      }
      const sent = origin.read.get(index) ?? 0
      const counted = source.totals.originBytes + agent.discardedBytes
      if (sent !== counted) this.#broken(`${index} read ${sent} bytes of the origin and counts ${counted}`)
      if (sent > 0 && requests.every(({ reasons }) => reasons.size === 0))
        this.#broken(`${index} asked the origin and does not say why`)
      const twice = [...(origin.whole.get(index) ?? [])].filter((times) => times > 1).length
      if (twice > 0 && agent.discardedBytes === 0 && faults.liars.size === 0 && !faults.full.has(index))
        this.#broken(`${index} took ${twice} pieces from the origin twice`)
    }
  }

  /** All have stopped. */
  afterTheStop({ agents }: SimSubnet): void {
    for (const { index, process, fetches } of agents) {
      if (!process.isAlive) continue
      if (process.pendingTimers > 0) this.#broken(`${index} left ${process.pendingTimers} timers`)
      if (fetches.size > 0) this.#broken(`${index} left ${fetches.size} requests for pieces`)
    }
  }

  #broken(how: string): void {
    if (this.violations.length < MOST_NAMED && !this.violations.includes(how)) this.violations.push(how)
  }
}
