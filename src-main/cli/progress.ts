import cliProgress from 'cli-progress'
import type { DownloadProgress } from '../client/download.ts'
import { describeTurn, positionOf, timeLeft, type DownloadPosition } from './describe-download.ts'
import { formatSize } from './sizes.ts'

/** Shows how a download goes. */
export interface ProgressDisplay {
  show(progress: DownloadProgress): void
  /** Clears the line. Idempotent. */
  end(): void
}

export type ProgressStream = NodeJS.WritableStream & { readonly isTTY?: boolean }

/** A line at least so often where there is no terminal, ms. */
const LINE_EVERY_MS = 5000

/** A bar on a terminal, else plain lines now and then. */
export function showProgress(stream: ProgressStream): ProgressDisplay {
  return stream.isTTY ? new Bar(stream) : new Lines(stream)
}

class Bar implements ProgressDisplay {
  readonly #stream: ProgressStream
  #bar: cliProgress.SingleBar | undefined

  constructor(stream: ProgressStream) {
    this.#stream = stream
  }

  show(progress: DownloadProgress): void {
    const turn = describeTurn(progress)
    if (turn !== undefined) {
      this.end()
      this.#stream.write(`${turn}\n`)
    }
    const position = positionOf(progress)
    if (!position) return
    this.#bar ??= this.#start()
    this.#bar.setTotal(position.lengthBytes ?? Math.max(1, position.receivedBytes))
    this.#bar.update(position.receivedBytes, { text: describePosition(position) })
  }

  end(): void {
    this.#bar?.stop()
    this.#bar = undefined
  }

  #start(): cliProgress.SingleBar {
    const bar = new cliProgress.SingleBar(
      { format: '{bar} {text}', stream: this.#stream, barsize: 24, hideCursor: true, clearOnComplete: true, stopOnComplete: false, fps: 10, gracefulExit: false, linewrap: false },
      cliProgress.Presets.shades_classic
    )
    bar.start(1, 0, { text: '' })
    return bar
  }
}

class Lines implements ProgressDisplay {
  readonly #stream: ProgressStream
  #about = ''
  #shownMs = -Infinity

  constructor(stream: ProgressStream) {
    this.#stream = stream
  }

  show(progress: DownloadProgress): void {
    const turn = describeTurn(progress)
    if (turn !== undefined) this.#stream.write(`${turn}\n`)
    const position = positionOf(progress)
    if (!position) return
    const now = performance.now()
    const kind = position.about.replace(/ ?\(.*\)$/, '')
    if (kind === this.#about && now - this.#shownMs < LINE_EVERY_MS) return
    this.#about = kind
    this.#shownMs = now
    this.#stream.write(`${describePosition(position)}\n`)
  }

  end(): void {}
}

/** `45 %  12.3 MiB of 27 MiB  8.1 MiB/s  2 s left  master (origin 12.3 MiB)` */
function describePosition(position: DownloadPosition): string {
  const { receivedBytes, lengthBytes, rateBytesPerSecond, about } = position
  const percent = lengthBytes === null ? '' : `${lengthBytes === 0 ? 100 : Math.floor((receivedBytes / lengthBytes) * 100)} %`
  const amount = lengthBytes === null ? formatSize(receivedBytes) : `${formatSize(receivedBytes)} of ${formatSize(lengthBytes)}`
  const rate = rateBytesPerSecond > 0 ? `${formatSize(rateBytesPerSecond)}/s` : ''
  return [percent, amount, rate, receivedBytes === lengthBytes ? '' : timeLeft(position), about].filter(Boolean).join('  ')
}
