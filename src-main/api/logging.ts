import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { pino } from 'pino'
import { createStream } from 'rotating-file-stream'
import type { Log } from '../agent/agent.ts'
import type { Settings } from '../contract/settings.ts'
import { redactFacts, redactText } from './redact.ts'

type LogLevel = Settings['log']['level']

/** Files kept: the one being written and four older ones. */
const LOG_FILES = 5

export interface LogFile {
  readonly log: Log
  readonly level: { get(): LogLevel; set(level: LogLevel): void }
  /** Writes what is waiting and closes the file. Idempotent. */
  close(): Promise<void>
}

/** Structured log to `<dir>/larder.log` (JSON lines), rotated at `rotateAt`, without secrets. */
export function openLogFile(options: {
  dir: string
  level: Settings['log']['level']
  rotateAt?: `${number}K` | `${number}M`
}): LogFile {
  mkdirSync(options.dir, { recursive: true, mode: 0o700 })
  const file = createStream('larder.log', {
    path: options.dir,
    size: options.rotateAt ?? '10M',
    rotate: LOG_FILES - 1,
    mode: 0o600
  })
  // A full disk must not end the agent: lines that cannot be written are lost.
  file.on('error', () => {})
  file.on('warning', () => {})
  const logger = pino(
    {
      level: options.level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      hooks: {
        logMethod(args, method) {
          method.apply(
            this,
            args.map((arg: unknown) =>
              typeof arg === 'string' ? redactText(arg) : redactFacts(arg)
            ) as unknown as Parameters<typeof method>
          )
        }
      }
    },
    { write: (line: string) => void (file.writable && file.write(line)) }
  )
  let closed: Promise<void> | undefined
  return {
    log: logger,
    level: {
      get: () => logger.level as Settings['log']['level'],
      set(level) {
        logger.level = level
      }
    },
    close() {
      closed ??= (async () => {
        if (!file.writable) return
        const finished = once(file, 'close').catch(() => {})
        file.end()
        await finished
      })()
      return closed
    }
  }
}
