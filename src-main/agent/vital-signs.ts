import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { AgentSnapshot } from '../contract/snapshot.ts'
import { letYoungHeapGrow } from '../lib/small-heap.ts'

type Monitor = ReturnType<typeof monitorEventLoopDelay>

/** The monitor samples this often, and counts this interval in. */
const RESOLUTION_MS = 20
/** A figure is that of one to two of these. */
const SPAN_MS = 30_000

export interface VitalSignsHooks {
  /** Work has begun, or has been over for a while. */
  readonly turned: (atWork: boolean) => void
  /** There is work although nothing has been noted: it waits for others. */
  readonly goesOn: () => boolean
}

/**
 * How the process itself is doing. The event loop is watched only while there is work, because watching wakes the process fifty times a
 * second; what is told is the delay of the last minute with work.
 */
export class VitalSigns {
  #current: Monitor | null = null
  #previous: Monitor | null = null
  #timer: NodeJS.Timeout | null = null
  /** There was work since the current monitor began. */
  #worked = false
  readonly #hooks: VitalSignsHooks

  constructor(hooks: VitalSignsHooks) {
    this.#hooks = hooks
  }

  /** The event loop is being watched. */
  get watching(): boolean {
    return this.#current !== null
  }

  /** Bytes move, or something about a request has changed; cheap. */
  noteWork(): void {
    this.#worked = true
    if (this.#timer) return
    letYoungHeapGrow()
    this.#previous = null
    this.#current = startMonitor()
    this.#timer = setInterval(() => this.#turn(), SPAN_MS).unref()
    this.#hooks.turned(true)
  }

  read(): AgentSnapshot['process'] {
    const cpu = process.cpuUsage()
    const p99 = Math.max(this.#current?.percentile(99) ?? 0, this.#previous?.percentile(99) ?? 0) / 1e6
    return {
      pid: process.pid,
      eventLoopP99Ms: Math.max(0, Math.round((p99 - RESOLUTION_MS) * 10) / 10),
      rssBytes: process.memoryUsage.rss(),
      cpuSeconds: (cpu.user + cpu.system) / 1e6
    }
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer)
    this.#timer = null
    this.#current?.disable()
    this.#previous = this.#current ?? this.#previous
    this.#current = null
  }

  #turn(): void {
    if (!this.#worked && !this.#hooks.goesOn()) {
      this.stop()
      return this.#hooks.turned(false)
    }
    this.#worked = false
    this.#current?.disable()
    this.#previous = this.#current
    this.#current = startMonitor()
  }
}

function startMonitor(): Monitor {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  histogram.enable()
  return histogram
}
