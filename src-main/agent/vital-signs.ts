import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { AgentSnapshot } from '../contract/snapshot.ts'

type Monitor = ReturnType<typeof monitorEventLoopDelay>

/** How the process itself is doing. The event-loop delay is that of the last minute. */
export class VitalSigns {
  readonly #resolutionMs = 20
  #current: Monitor
  #previous: Monitor | null = null
  #timer: NodeJS.Timeout

  constructor() {
    this.#current = this.#monitor()
    this.#timer = setInterval(() => {
      this.#previous?.disable()
      this.#previous = this.#current
      this.#current = this.#monitor()
    }, 30_000).unref()
  }

  read(): AgentSnapshot['process'] {
    const cpu = process.cpuUsage()
    const p99 = Math.max(this.#current.percentile(99), this.#previous?.percentile(99) ?? 0) / 1e6
    return {
      pid: process.pid,
      // The monitor counts its own sampling interval in.
      eventLoopP99Ms: Math.max(0, Math.round((p99 - this.#resolutionMs) * 10) / 10),
      rssBytes: process.memoryUsage.rss(),
      cpuSeconds: (cpu.user + cpu.system) / 1e6
    }
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#current.disable()
    this.#previous?.disable()
  }

  #monitor(): Monitor {
    const histogram = monitorEventLoopDelay({ resolution: this.#resolutionMs })
    histogram.enable()
    return histogram
  }
}
