import type { Log } from '../agent/agent.ts'

/** A log that keeps what it was told. */
export interface KeptLog extends Log {
  readonly lines: {
    readonly level: 'debug' | 'info' | 'warn' | 'error'
    readonly facts: object
    readonly text: string
  }[]
}

export function keptLog(): KeptLog {
  const lines: KeptLog['lines'] = []
  const at = (level: KeptLog['lines'][number]['level']) => (facts: object, text: string) =>
    void lines.push({ level, facts, text })
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
