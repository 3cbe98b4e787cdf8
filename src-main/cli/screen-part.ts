import { clearScreenDown, cursorTo, moveCursor } from 'node:readline'
import { stripVTControlCharacters } from 'node:util'

type Terminal = NodeJS.WritableStream & { readonly columns?: number; readonly rows?: number }

/** A text at the end of a terminal that is drawn over itself. */
export class ScreenPart {
  readonly #terminal: Terminal
  #rows = 0

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  /** Lines that do not fit on the screen are left out: what has scrolled away cannot be drawn over. */
  draw(text: string): void {
    if (this.#rows > 0) {
      moveCursor(this.#terminal, 0, -this.#rows)
      cursorTo(this.#terminal, 0)
      clearScreenDown(this.#terminal)
    }
    this.#rows = 0
    for (const line of text.split('\n')) {
      const rows = this.#rowsOf(line)
      if (this.#rows + rows >= (this.#terminal.rows ?? 24)) break
      this.#terminal.write(`${line}\n`)
      this.#rows += rows
    }
  }

  #rowsOf(line: string): number {
    return Math.max(1, Math.ceil(stripVTControlCharacters(line).length / (this.#terminal.columns ?? 80)))
  }
}
