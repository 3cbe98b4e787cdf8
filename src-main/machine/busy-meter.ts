import { cpus } from 'node:os'

interface Times {
  readonly busy: number
  readonly all: number
}

/** Share of all processors that was busy between two looks. Windows has no load average, so their times are compared. */
export class BusyMeter {
  readonly #read: () => Times
  #last: Times

  constructor(read: () => Times = readTimes) {
    this.#read = read
    this.#last = read()
  }

  /** @returns 0–1 since the last look, or null when no time has passed */
  look(): number | null {
    const now = this.#read()
    const all = now.all - this.#last.all
    const busy = now.busy - this.#last.busy
    this.#last = now
    return all > 0 ? Math.min(1, Math.max(0, busy / all)) : null
  }
}

function readTimes(): Times {
  let busy = 0
  let all = 0
  for (const { times } of cpus()) {
    const working = times.user + times.nice + times.sys + times.irq
    busy += working
    all += working + times.idle
  }
  return { busy, all }
}
