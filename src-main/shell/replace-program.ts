import { closeSync, copyFileSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'

/**
 * Puts a copy of `from` in the place of `to`: at every moment there is one of them, whole. Synchronous, for the end of a process.
 * @throws the system's error; then `to` is as it was
 */
export function replaceProgram(from: string, to: string): void {
  const beside = `${to}.part`
  try {
    rmSync(beside, { force: true })
    copyFileSync(from, beside)
    const file = openSync(beside, 'r+')
    try {
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(beside, to)
  } catch (error) {
    rmSync(beside, { force: true })
    throw error
  }
}
