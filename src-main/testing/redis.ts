import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-ports.ts'
import { isOpen } from './nginx.ts'

/** The servers of this machine that speak Redis's protocol; Debian: redis-server, later valkey-server. */
export const redisServers = ['redis-server', 'valkey-server'].filter((name) =>
  ['/usr/bin', '/usr/local/bin'].some((dir) => existsSync(join(dir, name)))
)

export const noRedis = 'Skipped: a real Redis or Valkey (this machine has none; Debian: apt-get install redis-server).'

export interface RedisProcess {
  readonly url: string
  /** `SIGSTOP`, `SIGCONT`, `SIGKILL`. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void
  kill(): Promise<void>
  /** Once more after {@link kill}, with nothing in it. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** A real server on a free port of 127.0.0.1 that keeps nothing on disk. */
export async function startRedis(name = redisServers[0]!): Promise<RedisProcess> {
  const port = await freePort()
  const dir = await mkdtemp(join(tmpdir(), 'larder-redis-'))
  const start = async () => {
    const child = spawn(name, ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', dir], {
      stdio: 'ignore'
    })
    while (!(await isOpen(port))) {
      if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return child
  }
  let child = await start()
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    signal: (signal) => void child.kill(signal),
    kill,
    restart: async () => void (child = await start()),
    stop: async () => {
      await kill()
      await rm(dir, { recursive: true, force: true })
    }
  }
}
