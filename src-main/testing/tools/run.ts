import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** How a program ended. */
export interface Ran {
  /** Null: there is no such program. */
  readonly code: number | null
  readonly out: string
}

/** Runs a program of this PC as a user with that home would. */
export function run(program: string, args: string[], cwd: string, env: Record<string, string> = {}): Promise<Ran> {
  const all = { PATH: process.env['PATH'], HOME: cwd, LANG: 'C.UTF-8', ...env }
  return new Promise((resolve) =>
    execFile(program, args, { cwd, env: all, timeout: 120_000 }, (error, stdout, stderr) => {
      const out = stdout + stderr
      if (!error) return resolve({ code: 0, out })
      resolve({ code: error.code === 'ENOENT' ? null : Number(error.code ?? 1), out })
    })
  )
}

/** A server that runs beside. @throws when it has not said `ready` in time */
export async function serve(program: string, args: string[], ready: RegExp): Promise<ChildProcess> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  const isReady = new Promise<void>((resolve, reject) => {
    const hear = (data: Buffer) => {
      said += data.toString()
      if (ready.test(said)) resolve()
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`${program} ended: ${said.slice(-500)}`)))
    setTimeout(() => reject(new Error(`${program} was not ready: ${said.slice(-500)}`)), 30_000).unref()
  })
  try {
    await isReady
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
  return child
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const limit = setTimeout(() => child.kill('SIGKILL'), 5000)
  await ended
  clearTimeout(limit)
}

/** Bytes that do not compress. */
export function noise(bytes: number): Buffer {
  const out = Buffer.alloc(bytes)
  for (let i = 0, state = bytes; i < bytes; i++)
    out[i] = (state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff) >> 16
  return out
}
