import { styleText } from 'node:util'
import type { ErrorView } from '../contract/errors.ts'

/**
 * Where a command writes. Results go to stdout, errors and progress to stderr. With `--json` stdout carries one JSON value
 * per line and nothing else; an error is the line `{"error": {code, message, next, details?}}` there, and stderr stays
 * empty, so that a program reads one stream and the exit code.
 */
export class Output {
  readonly json: boolean
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number }
  /** For progress: a terminal or not. */
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean }

  constructor(json: boolean, streams: Pick<Output, 'stdout' | 'stderr'> = process) {
    this.json = json
    this.stdout = streams.stdout
    this.stderr = streams.stderr
  }

  /** Characters of a line on stdout: what the terminal has; no limit where a program reads. */
  get width(): number {
    return this.stdout.isTTY === true ? (this.stdout.columns ?? 80) : Infinity
  }

  /** Colours text for stdout where that is a terminal that shows colours; honours NO_COLOR and FORCE_COLOR. */
  paint(style: Parameters<typeof styleText>[0], text: string): string {
    return styleText(style, text, { stream: this.stdout })
  }

  /** The result in the form that was asked for. */
  result(value: unknown, text: () => string): void {
    this.stdout.write(`${this.json ? JSON.stringify(value) : text()}\n`)
  }

  /** For people only; silent with `--json`. */
  note(text: string): void {
    if (!this.json) this.stderr.write(`${text}\n`)
  }

  error(view: ErrorView): void {
    if (this.json) this.stdout.write(`${JSON.stringify({ error: view })}\n`)
    else this.stderr.write(`larder: ${view.message}\n  → ${view.next}\n  (${view.code})\n`)
  }
}

/** A reader that has gone (`larder cache ls | head`) ends the command quietly; `keepRunning` is for the agent. */
export function toleratePipeEnd(keepRunning: () => boolean): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EOF' && error.code !== 'ERR_STREAM_DESTROYED') throw error
      if (!keepRunning()) process.exit(0)
    })
  }
}

/** What was said so far has been handed to the system. */
export async function written(): Promise<void> {
  for (const stream of [process.stdout, process.stderr])
    if (stream.writable) await new Promise<void>((resolve) => stream.write('', () => resolve()))
}
