import type { PeerId } from '../contract/ids.ts'
import type { PieceRecord } from '../pieces/record.ts'
import type { Job } from './job.ts'
import type { Swarm } from './swarm.ts'
import type { TransferNews } from './transfer-news.ts'

export type Problem = 'unreachable' | 'stalled' | 'corrupt'

export interface PeerFaultHooks {
  /** Null when there is none. */
  readonly master: () => PeerId | null
  /** The coordinator is told that its master, or the holders it named, are of no use. */
  readonly report: (problem: Problem) => void
  /** The origin says other than this record, which its signer did sign. */
  readonly lied: (record: PieceRecord, truth: Buffer) => void
  /** A peer was cut off; what it was to deliver can be asked of others. */
  readonly banned: () => void
}

/**
 * The peers at fault when one content goes wrong: one that signed or sent false data is cut off, one that does not deliver is
 * reported. A signer whose pieces made a wrong whole is a suspect until the origin's word on one of them is known.
 */
export class PeerFaults {
  readonly #job: Job
  readonly #swarm: Swarm
  readonly #news: TransferNews
  readonly #hooks: PeerFaultHooks
  /** Records of dropped pieces, by index. */
  readonly #suspects = new Map<number, PieceRecord>()

  constructor(job: Job, swarm: Swarm, news: TransferNews, hooks: PeerFaultHooks) {
    this.#job = job
    this.#swarm = swarm
    this.#news = news
    this.#hooks = hooks
  }

  /** Until the origin has said which of the dropped pieces were lies, nobody here knows whom to ask. */
  get isOpen(): boolean {
    return this.#suspects.size > 0
  }

  /** The piece of this record is dropped because somebody lied, perhaps its signer. */
  suspect(index: number, record: PieceRecord): void {
    this.#suspects.set(index, record)
  }

  /** A piece came from the origin: was the record we had before it a lie? */
  judge(index: number, truth: PieceRecord): void {
    const suspect = this.#suspects.get(index)
    if (!suspect) return
    this.#suspects.delete(index)
    if (suspect.digest.equals(truth.digest)) return
    this.ban(suspect.signer, `signed a wrong record for piece ${index}`)
    this.#hooks.lied(suspect, truth.digest)
  }

  /** Bans a peer for this content. @param why a clause about it, e.g. `sent damaged bytes for piece 7` */
  ban(peer: PeerId, why: string): void {
    const { key, world } = this.#job
    if (world.network.isBanned(peer, key)) return
    world.network.ban(peer, key, why)
    this.#swarm.forget(peer)
    this.#news.banned(peer, why)
    this.report(peer, 'corrupt')
    this.#hooks.banned()
  }

  /**
   * Says that a peer (null: nobody in particular) is of no use. The coordinator can do something about a bad master, and about
   * complete holders when none of them is of use.
   */
  report(peer: PeerId | null, problem: Problem): void {
    const master = this.#hooks.master()
    const others = [...this.#swarm.neighbours.all()].some((n) => n.id !== peer && n.offered?.complete)
    if ((peer !== null && peer === master) || (master === null && !others)) this.#hooks.report(problem)
  }
}
