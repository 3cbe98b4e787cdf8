import { statSync } from 'node:fs'
import { stat } from 'node:fs/promises'

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

export const isRoot = (): boolean => process.geteuid?.() === 0
