import { createHash } from 'node:crypto'
import type { OriginProcess } from './origin-process.ts'
import { secondsAt } from './units.ts'

/** What N PCs without Larder would have done at the same origin. */
export interface Baseline {
  /** `arithmetic`: bytes ÷ rate, where measuring would take too long. */
  readonly how: 'measured' | 'arithmetic'
  readonly originRatio: number
  readonly lastSeconds: number
  readonly wrongFiles: number
}

const CONNECTIONS_PER_PC = 6

/** Downloads all files `times` times in parallel with plain `fetch`, or computes what that takes when it is longer than `longestSeconds`. */
export async function directDownloads(
  origin: OriginProcess,
  times: number,
  wanMbit: number | null,
  options: { longestSeconds: number } = { longestSeconds: 60 }
): Promise<Baseline> {
  const totalBytes = origin.files.reduce((sum, file) => sum + file.bytes, 0)
  const expected = secondsAt(totalBytes * times, wanMbit)
  if (expected !== null && expected > options.longestSeconds)
    return { how: 'arithmetic', originRatio: times, lastSeconds: expected, wrongFiles: 0 }
  await origin.reset()
  const startedAt = performance.now()
  const wrong = await Promise.all(Array.from({ length: times }, () => downloadAll(origin)))
  const lastSeconds = (performance.now() - startedAt) / 1000
  const { contentBytes } = await origin.stats()
  return {
    how: 'measured',
    originRatio: contentBytes / totalBytes,
    lastSeconds,
    wrongFiles: wrong.reduce((sum, count) => sum + count, 0)
  }
}

async function downloadAll(origin: OriginProcess): Promise<number> {
  const waiting = [...origin.files]
  let wrong = 0
  const downloadInTurn = async (): Promise<void> => {
    for (let file = waiting.shift(); file; file = waiting.shift()) {
      const response = await fetch(origin.url + file.path)
      const hash = createHash('sha256')
      for await (const chunk of response.body ?? []) hash.update(chunk)
      if (hash.digest('hex') !== file.sha256) wrong++
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS_PER_PC }, downloadInTurn))
  return wrong
}
