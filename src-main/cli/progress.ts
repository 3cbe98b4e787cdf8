import cliProgress from 'cli-progress'
import type { DownloadProgress } from '../client/download-types.ts'
import { describeTurn, positionOf, timeLeft, type DownloadPosition } from './describe-download.ts'
import { formatTimeLeft } from '../contract/durations.ts'
import { formatSize } from '../contract/sizes.ts'

/** Shows how a download goes. */
export interface ProgressDisplay {
  show(progress: DownloadProgress): void
  /** Clears the line. Idempotent. */
  end(): void
}

export type ProgressStream = NodeJS.WritableStream & { readonly isTTY?: boolean }

/** A line at least this often where there is no terminal, ms. */
const LINE_EVERY_MS = 5000
/** The same while nothing happens but waiting. */
const WAITING_LINE_EVERY_MS = 30_000

/** A bar on a terminal, else plain lines now and then. */
export function showProgress(stream: ProgressStream): ProgressDisplay {
  return stream.isTTY ? new Bar(stream) : new Lines(stream)
}

class Bar implements ProgressDisplay {
  readonly #stream: ProgressStream
  #bar: cliProgress.SingleBar | undefined
  #waiting = false

  constructor(stream: ProgressStream) {
    this.#stream = stream
  }

  show(progress: DownloadProgress): void {
    const turn = describeTurn(progress)
    if (turn !== undefined) {
      this.end()
      this.#stream.write(`${turn}\n`)
    }
    if (progress.phase === 'stagger') {
      this.#waiting = true
      this.#stream.write(`${CLEAR_LINE}${countdown(progress.leftMs)}`)
      return
    }
    const position = positionOf(progress)
    if (!position) return
    if (this.#waiting) this.end()
    this.#bar ??= this.#start()
    this.#bar.setTotal(position.lengthBytes ?? Math.max(1, position.receivedBytes))
    this.#bar.update(position.receivedBytes, { text: describePosition(position) })
  }

  end(): void {
    if (this.#waiting) this.#stream.write(CLEAR_LINE)
    this.#waiting = false
    this.#bar?.stop()
    this.#bar = undefined
  }

  #start(): cliProgress.SingleBar {
    const bar = new cliProgress.SingleBar(
      {
        format: '{bar} {text}',
        stream: this.#stream,
        barsize: 24,
        hideCursor: true,
        clearOnComplete: true,
        stopOnComplete: false,
        fps: 10,
        gracefulExit: false,
        linewrap: false
      },
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
    if (progress.phase === 'stagger') return this.#wait(progress.leftMs)
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

  #wait(leftMs: number): void {
    const now = performance.now()
    if (now - this.#shownMs < WAITING_LINE_EVERY_MS) return
    this.#shownMs = now
    this.#stream.write(`${countdown(leftMs)}\n`)
  }
}

const CLEAR_LINE = '\r\u001b[K'

const countdown = (leftMs: number): string => `The direct download starts in ${formatTimeLeft(leftMs)}`

/** `45 %  12.3 MiB of 27 MiB  8.1 MiB/s  2 s left  master (origin 12.3 MiB)` */
function describePosition(position: DownloadPosition): string {
  const { receivedBytes, lengthBytes, rateBytesPerSecond, about } = position
  const percent =
    lengthBytes === null ? '' : `${lengthBytes === 0 ? 100 : Math.floor((receivedBytes / lengthBytes) * 100)} %`
  const amount =
    lengthBytes === null ? formatSize(receivedBytes) : `${formatSize(receivedBytes)} of ${formatSize(lengthBytes)}`
  const rate = rateBytesPerSecond > 0 ? `${formatSize(rateBytesPerSecond)}/s` : ''
  return [percent, amount, rate, receivedBytes === lengthBytes ? '' : timeLeft(position), about]
    .filter(Boolean)
    .join('  ')
}
