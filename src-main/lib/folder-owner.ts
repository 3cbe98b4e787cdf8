import { statSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'

export interface Owner {
  readonly uid: number
  readonly gid: number
}

/**
 * Whom a new file in a folder is to belong to; undefined: to whoever makes it. An administrator who changes something in the folder of
 * a user must leave nothing behind there that the user can never write again.
 */
export async function ownerIn(folder: string): Promise<Owner | undefined> {
  return isRoot() ? stat(folder) : undefined
}

export function ownerInSync(folder: string): Owner | undefined {
  return isRoot() ? statSync(folder) : undefined
}

/** As {@link ownerInSync}, of the nearest folder above a path that exists. */
export function nearestOwner(path: string): Owner | undefined {
  if (!isRoot()) return undefined
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const stats = statSync(folder, { throwIfNoEntry: false })
    if (stats || folder === dirname(folder)) return stats
  }
}

export const isRoot = (): boolean => process.geteuid?.() === 0
