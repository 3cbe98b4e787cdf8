import { z } from 'zod'
import type { PackageForm, ReleasePackage } from '../updates/manifest.ts'
import type { Outcome } from '../updates/update-machine.ts'

export type AppForm = Extract<PackageForm, 'nsis' | 'appimage'>

/** How this application got onto the PC; null: by something that brings new releases itself, or none is made for it. */
export function appForm(
  platform: NodeJS.Platform,
  isPackaged: boolean,
  env: Readonly<Record<string, string | undefined>>
): AppForm | null {
  if (!isPackaged) return null
  if (platform === 'win32') return 'nsis'
  return platform === 'linux' && env['APPIMAGE']?.startsWith('/') ? 'appimage' : null
}

/** A release that lies ready, on the disk. Wall clock, ms since 1970. */
export const Staged = z.object({
  version: z.string().max(60),
  from: z.string().max(60),
  at: z.number(),
  /** The application has ended to make room for it. */
  begun: z.boolean()
})
export type Staged = z.infer<typeof Staged>

/** What became of a release that was staged, seen by the release that runs now; null: nothing yet. */
export function outcomeOf({ version, from, at, begun }: Staged, running: string): Outcome | null {
  if (running === version) return { version, from, result: 'installed', why: null, code: null, at, kept: [] }
  if (!begun || running !== from) return null
  return {
    version,
    from,
    result: 'rolled-back',
    why: 'it was to be installed while the application was ended, and the release before still runs',
    code: 'UPDATE_FAILED',
    at,
    kept: []
  }
}

/** Downloads are not interrupted for this long; then they go on after the new start. */
const LONGEST_WAIT_MS = 6 * 3600_000

/** Whether the application may be ended and started anew. Nobody looks at it, and nothing is being downloaded. */
export function mayRestart(now: {
  readonly windowIsVisible: boolean
  readonly openDownloads: number
  readonly waitedMs: number
}): boolean {
  return !now.windowIsVisible && (now.openDownloads === 0 || now.waitedMs >= LONGEST_WAIT_MS)
}

/** What electron-updater is told of a package: never an address to download it from. */
export function describePackage(version: string, { sha256, sizeBytes }: ReleasePackage, fileName: string, at: string) {
  const file = { url: fileName, size: sizeBytes, sha2: sha256 }
  return { version, releaseDate: at, path: fileName, sha512: '', files: [{ ...file, sha512: '' }] }
}
