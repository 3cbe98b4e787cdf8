import { execFile } from 'node:child_process'

const LIMIT_MS = 20_000
const MAX_OUTPUT_BYTES = 256 * 1024

/** Runs a program of the system to its end. @returns what it printed; undefined when it failed, hung or is not there */
export type RunProgram = (file: string, args: readonly string[]) => Promise<string | undefined>

export const runQuietly: RunProgram = (file, args) =>
  new Promise((resolve) => {
    const options = {
      timeout: LIMIT_MS,
      maxBuffer: MAX_OUTPUT_BYTES,
      windowsHide: true,
      env: { ...process.env, LC_ALL: 'C' }
    }
    execFile(file, [...args], options, (error, stdout) => resolve(error ? undefined : stdout))
  })
