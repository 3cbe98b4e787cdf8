// Why it is like this: docs/decisions/0086-a-hub-may-keep-what-peers-bring.md
import type { ToHub } from '../contract/hub-messages.ts'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { Credential } from '../contract/peer-messages.ts'
import { Bitmap } from '../lib/bitmap.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import type { PeerNetwork, ServedContent } from '../peers/network.ts'

/** Bytes and pieces of one request. */
const RUN_BYTES = 4 * 1024 * 1024
const MAX_RUN = 16
/** Contents that are brought at the same time; others wait for their turn, those of which nothing new is here give theirs back. */
const MAX_ACTIVE = 2
const MAX_JOBS = 256
/** A running download is looked at for new pieces after this long, and less and less often, but at least each {@link TELL_MS}. */
const BEAT_MS = 250
const TELL_MS = 1000
/** The hub answers an offer within this time. */
const ANSWER_MS = 10_000
/** A download that does not move for this long is left. */
const IDLE_MS = 600_000
const MAX_FAILURES = 5
const MAX_ABSENCES = 8
/** Credentials of one offer. */
const MAX_SIGNERS = 16

export interface DepositorWorld {
  readonly clock: Clock
  readonly network: Pick<PeerNetwork, 'deposits'>
  /** What this PC may give of a content now; undefined: nothing. */
  open(key: ContentKey): Promise<ServedContent | undefined>
  /** Credentials of those who signed what is here of it. */
  signersOf(key: ContentKey): readonly Credential[]
  /** Bytes of it that have come to this PC; null: it is not being downloaded. */
  progressOf(key: ContentKey): number | null
  send(hub: PeerId, message: ToHub): void
}

interface Job {
  readonly hub: PeerId
  readonly name: ContentKey
  readonly key: ContentKey
  readonly abort: AbortController
  readonly offered: Set<string>
  have: Bitmap | null
  /** Pieces, as it said last. */
  hubHas: number
  /** The map that the hub has, as it came; its size is known with the content. */
  answer: ((map: string) => void) | null
  failures: number
  absences: number
  movedMs: number
  toldBytes: number
  toldMs: number
  restMs: number
  /** Nothing new of it is here; it is looked at again then. */
  rest: Timer | null
}

/** Brings contents of this PC to the deposits of hubs that want them: in order, as they come in, at the pace of uploads. */
export class Depositor {
  readonly #world: DepositorWorld
  readonly #jobs = new Map<string, Job>()
  readonly #waiting: Job[] = []
  readonly #running = new Set<Promise<void>>()
  #stopped = false

  constructor(world: DepositorWorld) {
    this.#world = world
  }

  /** A hub wants it. */
  bring(hub: PeerId, name: ContentKey, key: ContentKey): void {
    const id = idOf(hub, name)
    if (this.#stopped || this.#jobs.has(id) || this.#jobs.size >= MAX_JOBS) return
    const nowMs = this.#world.clock.monotonicMs()
    const job: Job = {
      hub,
      name,
      key,
      abort: new AbortController(),
      offered: new Set(),
      have: null,
      hubHas: 0,
      answer: null,
      failures: 0,
      absences: 0,
      movedMs: nowMs,
      toldBytes: 0,
      toldMs: nowMs,
      restMs: BEAT_MS,
      rest: null
    }
    this.#jobs.set(id, job)
    this.#waiting.push(job)
    this.#next()
  }

  /** The hub answers an offer with what it has of it. */
  kept(hub: PeerId, name: ContentKey, map: string): void {
    this.#jobs.get(idOf(hub, name))?.answer?.(map)
  }

  /** The connection to this hub is gone. */
  lost(hub: PeerId): void {
    const gone = [...this.#jobs.values()].filter((job) => job.hub === hub)
    for (const job of gone) this.#end(job, new LarderError('CANCELLED', 'The hub is gone'))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    for (const job of [...this.#jobs.values()]) this.#end(job, new LarderError('CANCELLED', 'The agent is stopping'))
    await Promise.all(this.#running)
  }

  #end(job: Job, why?: LarderError): void {
    job.rest?.cancel()
    if (why) job.abort.abort(why)
    const id = idOf(job.hub, job.name)
    // After its hub is back there may be another one for the same.
    if (this.#jobs.get(id) === job) this.#jobs.delete(id)
  }

  #next(): void {
    while (this.#running.size < MAX_ACTIVE) {
      const job = this.#waiting.shift()
      if (!job) return
      if (job.abort.signal.aborted) continue
      const running = this.#run(job)
        // Nobody waits for it here: the hub asks another one.
        .catch(() => 'over' as const)
        .then((outcome) => {
          this.#running.delete(running)
          if (outcome === 'over' || job.abort.signal.aborted) this.#end(job)
          else this.#rest(job)
          this.#next()
        })
      this.#running.add(running)
    }
  }

  /** Brings what is here. */
  async #run(job: Job): Promise<'waits' | 'over'> {
    const { clock } = this.#world
    while (!job.abort.signal.aborted) {
      const step = await this.#step(job)
      if (step !== 'moved') return step
      job.movedMs = clock.monotonicMs()
      job.restMs = BEAT_MS
    }
    return 'over'
  }

  /** Others have their turn before it is looked at again. */
  #rest(job: Job): void {
    const { clock } = this.#world
    if (clock.monotonicMs() - job.movedMs >= IDLE_MS) return this.#end(job)
    this.#tellProgress(job)
    job.rest = clock.after(job.restMs, () => {
      job.rest = null
      this.#waiting.push(job)
      this.#next()
    })
    job.restMs = Math.min(TELL_MS, 2 * job.restMs)
  }

  /** Brings one run, where there is one. */
  async #step(job: Job): Promise<'moved' | 'waits' | 'over'> {
    const content = await this.#world.open(job.key)
    // Between the last piece and the place in the cache nothing of it can be read.
    if (!content) return ++job.absences >= MAX_ABSENCES ? 'over' : 'waits'
    job.absences = 0
    try {
      if (job.have === null && !(await this.#offer(job, content))) return 'over'
      const have = job.have!
      if (have.complete) return 'over'
      const run = nextRun(content, have)
      if (run === null) return 'waits'
      const indexes = Array.from({ length: run.count }, (_, i) => run.first + i)
      const isNew = indexes.some((index) => !job.offered.has(content.record(index).signer))
      if (isNew && !(await this.#offer(job, content, content.record(run.first).signer))) return 'over'
      for (const index of indexes) job.offered.add(content.record(index).signer)
      return await this.#bring(job, content, run)
    } finally {
      content.close()
    }
  }

  async #bring(
    job: Job,
    content: ServedContent,
    run: { first: number; count: number }
  ): Promise<'moved' | 'waits' | 'over'> {
    const { hub, name, abort } = job
    try {
      const outcome = await this.#world.network.deposits.bring(hub, name, content, run, abort.signal)
      if (outcome === 'unwanted') return 'over'
      if (outcome === 'later') return 'waits'
      for (let index = run.first; index < run.first + run.count; index++) job.have!.add(index)
      job.failures = 0
      return 'moved'
    } catch (error) {
      if (abort.signal.aborted || ++job.failures >= MAX_FAILURES) throw error
      // What came before it broke off is not brought again.
      job.have = null
      return 'waits'
    }
  }

  /** Says what it is and who signed it. @returns false when the hub does not want it */
  async #offer(job: Job, { plan }: ServedContent, first?: PeerId): Promise<boolean> {
    const { network, signersOf, send } = this.#world
    const tag = network.deposits.tagOf(job.key)
    if (tag === undefined || job.abort.signal.aborted) return false
    const signers = signersOf(job.key).slice(0, MAX_SIGNERS)
    const answered = this.#answer(job)
    send(job.hub, { t: 'hub.offer', key: job.name, tag, lengthBytes: plan.lengthBytes, signers: [...signers] })
    const map = await answered
    const bytes = map === null ? null : Buffer.from(map, 'base64')
    if (bytes?.length !== Math.ceil(plan.count / 8)) return false
    job.have = new Bitmap(plan.count, bytes)
    if (job.have.count > job.hubHas) job.failures = 0
    job.hubHas = job.have.count
    if (first !== undefined) job.offered.add(first)
    return true
  }

  #answer(job: Job): Promise<string | null> {
    return new Promise((resolve) => {
      const settle = (map: string | null) => {
        limit.cancel()
        job.answer = null
        job.abort.signal.removeEventListener('abort', onAbort)
        resolve(map)
      }
      const onAbort = () => settle(null)
      const limit: Timer = this.#world.clock.after(ANSWER_MS, () => settle(null))
      job.answer = settle
      job.abort.signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** PCs that wait for it elsewhere learn that it moves, although no piece is complete yet. */
  #tellProgress(job: Job): void {
    const { clock, progressOf, send } = this.#world
    const bytes = progressOf(job.key)
    const nowMs = clock.monotonicMs()
    if (bytes === null || bytes <= job.toldBytes || nowMs - job.toldMs < TELL_MS) return
    job.toldBytes = bytes
    job.toldMs = job.movedMs = nowMs
    send(job.hub, { t: 'hub.moves', key: job.name, bytes })
  }
}

/** The first pieces that are here and not there yet, up to a few MiB. */
export function nextRun(
  { plan, has }: Pick<ServedContent, 'plan' | 'has'>,
  have: Bitmap
): { first: number; count: number } | null {
  const isDue = (index: number) => index < plan.count && !have.has(index) && has(index)
  for (let first = 0; first < plan.count; first++) {
    if (!isDue(first)) continue
    const most = Math.min(MAX_RUN, Math.max(1, Math.floor(RUN_BYTES / plan.pieceBytes)))
    let count = 1
    while (count < most && isDue(first + count)) count++
    return { first, count }
  }
  return null
}

const idOf = (hub: PeerId, name: ContentKey): string => `${hub} ${name}`
