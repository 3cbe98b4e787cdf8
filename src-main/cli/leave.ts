/** Names of work in the thread pool, as Node gives them: look-ups of names, and files. */
const IN_THREAD_POOL = /^(GetAddrInfo|GetNameInfo|FS)Req/

/** Whether names are being looked up. Nothing can call that off, and a process whose work is done waits for it. */
export const looksUpNames = (): boolean =>
  process.getActiveResourcesInfo().some((name) => name.startsWith('GetAddrInfo'))

/**
 * Ends the process now. `process.exit` alone waits until the thread pool has finished what it is at: libuv joins its threads, and a
 * look-up at a name server that never answers takes ten seconds and more. Where a system allows it the process is replaced
 * by one that only has the exit code.
 */
export function leave(code: number): never {
  const isHeld = process.getActiveResourcesInfo().some((name) => IN_THREAD_POOL.test(name))
  if (isHeld && process.platform !== 'win32') {
    try {
      process.execve?.('/bin/sh', ['sh', '-c', `exit ${code}`], {})
    } catch {
      // No shell, or not allowed: then it takes the time it takes.
    }
  }
  process.exit(code)
}
