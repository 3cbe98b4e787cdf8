import path from 'node:path'
import { root } from '../scripts/steps.ts'
import type { OriginStats } from './figures.ts'
import type { RunScope } from './run-scope.ts'

export interface OriginFile {
  readonly path: string
  readonly bytes: number
  readonly sha256: string
}

/** The HTTP origin of a run, in a process of its own. */
export interface OriginProcess {
  readonly url: string
  readonly files: readonly OriginFile[]
  stats(): Promise<OriginStats>
  /** Sets all counts to zero. */
  reset(): Promise<void>
}

/** Starts an origin on loopback with generated files; `rateMbit` bounds all its connections together. */
export async function startOrigin(
  scope: RunScope,
  options: { files: number; sizeBytes: number; rateMbit: number | null; seed: string; odd?: string | undefined }
): Promise<OriginProcess> {
  const args = [path.join(root, 'src-main', 'testing', 'origin-server-main.ts'), '--port', '0']
  for (let i = 1; i <= options.files; i++)
    args.push('--file', `/file-${i}.bin=${options.sizeBytes}:${options.seed}-${i}`)
  if (options.odd !== undefined) args.push('--odd', options.odd)
  if (options.rateMbit !== null) args.push('--rate-mbit', String(options.rateMbit))
  const logDir = scope.folder('origin')
  const { ready } = await scope.start(process.execPath, args, { logFile: path.join(logDir, 'origin.log') })
  const { url, files } = ready as { url: string; files: OriginFile[] }
  return {
    url,
    files,
    stats: async () => (await (await fetch(`${url}/__stats`)).json()) as OriginStats,
    async reset() {
      await fetch(`${url}/__reset`, { method: 'POST' })
    }
  }
}
