import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'

/** A program that was started and has said that it is ready. */
export interface RunningProgram {
  readonly pid: number
  /** Its first line of output, parsed. */
  readonly ready: unknown
  /** True once it has ended, for whatever reason. */
  /** Whether it runs or how it ended, and the last it said, for an error message. */
  readonly fate: string
  readonly ended: boolean
  /** Ends it as a power cut would. */
  kill(): void
  /** Asks it to end (SIGTERM), insists after some seconds. */
  stop(): Promise<void>
}

const READY_MS = 60_000

/**
 * Everything a run leaves behind on this machine: child processes and temporary folders. All of it is gone after `close`,
 * and also when this process ends in another way (error, interrupt). Only processes started here are ever ended.
 */
export class RunScope {
  #children = new Set<ChildProcess>()
  #dirs = new Set<string>()
  #removeHandlers: () => void
  #keepFolders: boolean
  #stopMs: number

  /**
   * @param options.keepFolders leaves the folders where they are; {@link kept} names them
   * @param options.stopMs how long a program may take to end by itself
   */
  constructor(options: { keepFolders?: boolean; stopMs?: number } = {}) {
    this.#keepFolders = options.keepFolders ?? false
    this.#stopMs = options.stopMs ?? 5000
    const atExit = (): void => this.#closeNow()
    const interrupted = (signal: NodeJS.Signals): void => process.exit(128 + os.constants.signals[signal])
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
    process.on('exit', atExit)
    for (const signal of signals) process.on(signal, interrupted)
    this.#removeHandlers = () => {
      process.off('exit', atExit)
      for (const signal of signals) process.off(signal, interrupted)
    }
  }

  /** A new temporary folder. */
  folder(name: string): string {
    const dir = mkdtempSync(path.join(os.tmpdir(), `larder-${name}-`))
    this.#dirs.add(dir)
    return dir
  }

  /** Folders that stay after `close`. */
  get kept(): readonly string[] {
    return this.#keepFolders ? [...this.#dirs] : []
  }

  /** Removes a folder before the scope closes, to free its space. */
  remove(dir: string): void {
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
    this.#dirs.delete(dir)
  }

  /**
   * Starts `file args` and waits for the first line of its output, which must be JSON (`readyLine: false`: does not wait).
   * What it writes to standard error goes to `logFile`, and into the error when it does not become ready.
   */
  async start(
    file: string,
    args: readonly string[],
    options: { logFile: string; cwd?: string; readyLine?: boolean; env?: Readonly<Record<string, string>> }
  ): Promise<RunningProgram> {
    const log = openSync(options.logFile, 'a')
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', log],
      cwd: options.cwd,
      env: { ...process.env, ...options.env }
    })
    closeSync(log)
    this.#children.add(child)
    child.once('exit', () => this.#children.delete(child))
    try {
      await once(child, 'spawn')
      const ready = options.readyLine === false ? null : await firstLine(child)
      child.stdout?.resume()
      return runningProgram(child, ready, this.#stopMs, options.logFile)
    } catch (error) {
      child.kill('SIGKILL')
      this.#children.delete(child)
      const said = tail(options.logFile)
      throw new Error(
        `${path.basename(args[0] ?? file)} did not start: ${(error as Error).message}${said ? `\n${said}` : ''}`,
        { cause: error }
      )
    }
  }

  async close(): Promise<void> {
    this.#removeHandlers()
    await Promise.all([...this.#children].map((child) => stop(child, this.#stopMs)))
    for (const dir of this.#keepFolders ? [] : this.#dirs) this.remove(dir)
  }

  #closeNow(): void {
    for (const child of this.#children) child.kill('SIGKILL')
    for (const dir of this.#keepFolders ? [] : this.#dirs) {
      try {
        this.remove(dir)
      } catch {
        process.stderr.write(`left behind: ${dir}\n`)
      }
    }
  }
}

function runningProgram(child: ChildProcess, ready: unknown, stopMs: number, logFile: string): RunningProgram {
  return {
    pid: child.pid!,
    ready,
    get ended() {
      return child.exitCode !== null || child.signalCode !== null
    },
    get fate() {
      const how = child.signalCode ?? (child.exitCode === null ? null : `exit code ${child.exitCode}`)
      return `${how === null ? 'it runs' : `it ended (${how})`}: ${tail(logFile)}`
    },
    kill: () => void child.kill('SIGKILL'),
    stop: () => stop(child, stopMs)
  }
}

async function stop(child: ChildProcess, stopMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const insist = setTimeout(() => child.kill('SIGKILL'), stopMs)
  await ended
  clearTimeout(insist)
}

function firstLine(child: ChildProcess): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const lines = createInterface({ input: child.stdout! })
  const timer = setTimeout(() => reject(new Error(`not ready after ${READY_MS / 1000} s`)), READY_MS)
  const onExit = (code: number | null, signal: string | null): void =>
    reject(new Error(`it ended (${signal ?? `exit code ${code}`})`))
  // Not at its exit: what it said last may not have been read by then.
  child.once('close', onExit)
  child.once('error', reject)
  lines.once('line', (line) => {
    try {
      resolve(JSON.parse(line))
    } catch {
      reject(new Error(`it said ${JSON.stringify(line.slice(0, 200))} instead of JSON`))
    }
  })
  return promise.finally(() => {
    clearTimeout(timer)
    child.off('close', onExit)
    lines.close()
  })
}

/** The last lines of a log, for an error message. */
function tail(file: string): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-12).join('\n')
  } catch {
    return ''
  }
}
