import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Debian's nginx, or null where this machine has none. */
export const nginx = ['/usr/sbin/nginx', '/usr/local/sbin/nginx'].find((file) => existsSync(file)) ?? null

export interface Nginx {
  /** What is in its error log. */
  readonly said: () => string
  stop(): Promise<void>
}

/** A real nginx in the foreground. @param server what stands in its `server` block; files are written beside its configuration */
export async function startNginx(server: string, port: number, files: Record<string, string> = {}): Promise<Nginx> {
  const dir = await mkdtemp(join(tmpdir(), 'larder-nginx-'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text, { mode: 0o600 })
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((of) => `${of}_temp_path ${dir}/${of};`)
  await writeFile(
    join(dir, 'nginx.conf'),
    `daemon off; master_process off; pid ${dir}/nginx.pid; error_log stderr warn;
     events { worker_connections 512; }
     http { access_log off; ${temporary.join(' ')}
       map $http_upgrade $connection_upgrade { default upgrade; '' close; }
       server { ${server} } }`
  )
  const child: ChildProcess = spawn(nginx!, ['-p', dir, '-c', join(dir, 'nginx.conf')], {
    stdio: ['ignore', 'ignore', 'pipe']
  })
  let said = ''
  child.stderr!.on('data', (bytes: Buffer) => (said += bytes.toString()))
  const ended = once(child, 'exit')
  const stop = async () => {
    child.kill('SIGKILL')
    await ended
    await rm(dir, { recursive: true, force: true })
  }
  while (!(await isOpen(port))) {
    if (child.exitCode !== null) {
      await stop()
      throw new Error(`nginx ended: ${said}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return { said: () => said, stop }
}

export function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
