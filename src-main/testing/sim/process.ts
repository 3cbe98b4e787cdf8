import type { Clock, Timer } from '../../lib/clock.ts'
import type { Simulation } from './simulation.ts'

interface Job {
  readonly run: () => void
  readonly costMs: number
  readonly dueMs: number
}

/**
 * The event loop of one agent: one thing after the other, each takes its time, and what comes meanwhile waits. So an agent with too much
 * to do answers late, and one that hangs does not answer at all.
 */
export class SimProcess {
  /** Time as the process sees it: its timers wait until it has time for them. */
  readonly clock: Clock
  readonly #sim: Simulation
  #state: 'running' | 'hanging' | 'dead' = 'running'
  #freeAtMs = 0
  #timers: Job[] = []
  #jobs: Job[] = []
  #next = 0
  #wake: Timer | null = null
  #pendingTimers = 0
  /** Of the CPU, ms. */
  spentMs = 0
  /** Longest time that something had to wait for its turn, ms. */
  longestWaitMs = 0

  constructor(sim: Simulation) {
    this.#sim = sim
    this.clock = {
      wallMs: () => sim.clock.wallMs(),
      monotonicMs: () => sim.nowMs,
      after: (ms, fn) => this.#timer(ms, fn, false),
      every: (ms, fn) => this.#timer(ms, fn, true)
    }
  }

  get isAlive(): boolean {
    return this.#state !== 'dead'
  }

  /** It takes what comes in, and runs its timers. */
  get isRunning(): boolean {
    return this.#state === 'running'
  }

  /** Timers set and neither run nor cancelled. */
  get pendingTimers(): number {
    return this.#pendingTimers
  }

  /** When it is done with what it is doing; what it sends leaves then. */
  get freeAtMs(): number {
    return Math.max(this.#sim.nowMs, this.#freeAtMs)
  }

  /** What it does now takes this much longer. */
  spend(ms: number): void {
    this.#freeAtMs = this.freeAtMs + ms
    this.spentMs += ms
  }

  /** Something comes in from outside, and takes this long. Dropped by a dead process. */
  arrive(costMs: number, run: () => void): void {
    if (this.#state === 'dead') return
    if (this.#state === 'running' && this.#isIdle) this.#do({ run, costMs, dueMs: this.#sim.nowMs })
    else this.#enqueue(this.#jobs, { run, costMs, dueMs: this.#sim.nowMs })
  }

  /** Stops in the middle of everything, as by SIGSTOP: connections stay, timers and what comes in wait. */
  hang(): void {
    if (this.#state === 'running') this.#state = 'hanging'
  }

  /** As by SIGCONT: timers that are due come before what has come in. */
  goOn(): void {
    if (this.#state !== 'hanging') return
    this.#state = 'running'
    this.#arm()
  }

  kill(): void {
    this.#state = 'dead'
    this.#jobs = []
    this.#timers = []
    this.#pendingTimers = 0
    this.#wake?.cancel()
  }

  get #isIdle(): boolean {
    return this.#next === this.#jobs.length && this.#timers.length === 0 && this.#freeAtMs <= this.#sim.nowMs
  }

  #timer(ms: number, fn: () => void, repeats: boolean): Timer {
    let isOver = false
    this.#pendingTimers++
    const end = () => {
      if (!isOver && this.isAlive) this.#pendingTimers--
      isOver = true
    }
    const due = () => {
      if (isOver || !this.isAlive) return
      if (repeats) timer = this.#sim.after(ms, due)
      const run = () => {
        if (isOver) return
        if (!repeats) end()
        fn()
      }
      if (this.#state === 'running' && this.#isIdle) run()
      else this.#enqueue(this.#timers, { run, costMs: 0, dueMs: this.#sim.nowMs })
    }
    let timer = this.#sim.after(ms, due)
    return {
      cancel: () => {
        end()
        timer.cancel()
      }
    }
  }

  #enqueue(queue: Job[], job: Job): void {
    queue.push(job)
    this.#arm()
  }

  #arm(): void {
    if (this.#state !== 'running' || this.#wake !== null) return
    this.#wake = this.#sim.after(this.freeAtMs - this.#sim.nowMs, () => {
      this.#wake = null
      this.#turn()
    })
  }

  #turn(): void {
    if (this.#state !== 'running') return
    const job = this.#timers.shift() ?? (this.#next < this.#jobs.length ? this.#jobs[this.#next++] : undefined)
    if (this.#next === this.#jobs.length) {
      this.#jobs = []
      this.#next = 0
    }
    if (!job) return
    this.#do(job)
    if (this.#timers.length > 0 || this.#jobs.length > 0) this.#arm()
  }

  #do({ run, costMs, dueMs }: Job): void {
    this.longestWaitMs = Math.max(this.longestWaitMs, this.#sim.nowMs - dueMs)
    this.spend(costMs)
    run()
  }
}
