import { sep } from 'node:path'

/** Is this the folder, or something below it? Both absolute and without links. */
export function liesIn(path: string, folder: string): boolean {
  return (path + sep).startsWith(folder + sep)
}
