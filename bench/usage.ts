import { readdirSync, readFileSync } from 'node:fs'
import type { AgentSnapshot } from '../src-main/contract/snapshot.ts'

/** What a process has used so far. */
export interface Usage {
  /** Highest resident memory since it started; on systems that do not tell, what it is now. */
  readonly peakRssBytes: number
  readonly rssBytes: number
  /** User and system time, worker threads included. */
  readonly cpuSeconds: number
}

/** Linux counts in hundredths of a second here on every architecture (USER_HZ). */
const TICKS_PER_SECOND = 100

/** Reads the usage of an agent: from /proc where there is one, else from its own snapshot. */
export function usageOf(pid: number, snapshot: AgentSnapshot | null): Usage | null {
  try {
    return parseProc(readFileSync(`/proc/${pid}/status`, 'utf8'), readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return (
      snapshot && {
        peakRssBytes: snapshot.process.rssBytes,
        rssBytes: snapshot.process.rssBytes,
        cpuSeconds: snapshot.process.cpuSeconds
      }
    )
  }
}

/** @param status content of /proc/<pid>/status @param stat content of /proc/<pid>/stat (proc(5)) */
export function parseProc(status: string, stat: string): Usage {
  const kib = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN)
  // The second field is the name in parentheses and may hold spaces; utime and stime are the 14th and 15th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const usage = {
    peakRssBytes: kib('VmHWM') * 1024,
    rssBytes: kib('VmRSS') * 1024,
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  }
  if (Object.values(usage).some(Number.isNaN)) throw new Error('not the status of a running process')
  return usage
}

/**
 * How often the threads of a process have gone to sleep so far, and so will be or were woken: by a timer, a message, a file that is there. Being pushed aside
 * by others does not count. Null where the system does not tell. What threads did that have ended is forgotten.
 */
export function wakeupsOf(pid: number): number | null {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`)
    return tasks.reduce((sum, task) => sum + parseWakeups(readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8')), 0)
  } catch {
    return null
  }
}

/** @param status content of /proc/<pid>/task/<tid>/status (proc(5)) */
export function parseWakeups(status: string): number {
  const found = /^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)
  if (!found) throw new Error('not the status of a running thread')
  return Number(found[1])
}
