import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

/** Electron as this clone has it: the pinned version, and its binary where it has been fetched. Looks where its own installer looks. */
export function findElectron(): { readonly version: string; readonly binary: string | null } {
  const dir = path.dirname(createRequire(import.meta.url).resolve('electron/package.json'))
  const { version } = JSON.parse(readFileSync(path.join(dir, 'package.json'), 'utf8')) as { version: string }
  const pathFile = path.join(dir, 'path.txt')
  const versionFile = path.join(dir, 'dist', 'version')
  if (!existsSync(pathFile) || !existsSync(versionFile)) return { version, binary: null }
  const fetched = readFileSync(versionFile, 'utf8').trim().replace(/^v/, '')
  const binary = path.join(dir, 'dist', readFileSync(pathFile, 'utf8'))
  return { version, binary: fetched === version && existsSync(binary) ? binary : null }
}
