import { spawnSync } from 'node:child_process'
import { createReadStream, readFileSync, statSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import net from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../src-main/testing/free-ports.ts'
import { makeTestCertificate } from '../src-main/testing/origin-server-tls.ts'
import type { RunScope } from './run-scope.ts'

/** Serves a folder over TLS 1.3 on loopback; what a transfer between agents is measured against. */
export interface FileServer {
  readonly what: string
  readonly url: string
  /** PEM file of the CA to trust. */
  readonly caFile: string
  close(): Promise<void>
}

/** Starts nginx, or where there is none a plain `node:https` server. */
export async function startFileServer(scope: RunScope, folder: string): Promise<FileServer> {
  const dir = scope.folder('tls')
  const { key, cert, ca } = await makeTestCertificate()
  for (const [name, pem] of Object.entries({ 'key.pem': key, 'cert.pem': cert, 'ca.pem': ca }))
    writeFileSync(path.join(dir, name), pem, { mode: 0o600 })
  const caFile = path.join(dir, 'ca.pem')
  const version = spawnSync('nginx', ['-v'], { encoding: 'utf8' })
  return version.status === 0
    ? startNginx(scope, { dir, folder, caFile, version: version.stderr.trim().replace(/^nginx version: /, '') })
    : startNode({ key, cert, folder, caFile })
}

async function startNginx(
  scope: RunScope,
  options: { dir: string; folder: string; caFile: string; version: string }
): Promise<FileServer> {
  const { dir, folder, caFile } = options
  const port = await freePort()
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${dir}/${name};`)
    .join(' ')
  const asRoot = process.getuid?.() === 0
  writeFileSync(
    path.join(dir, 'nginx.conf'),
    `${asRoot ? 'user root;' : ''} daemon off; master_process off; pid ${dir}/nginx.pid; error_log stderr warn;
events {}
http {
  ${temp}
  access_log off; sendfile on; tcp_nopush on;
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${dir}/cert.pem; ssl_certificate_key ${dir}/key.pem; ssl_protocols TLSv1.3;
    root ${folder};
  }
}
`
  )
  const program = await scope.start('nginx', ['-c', path.join(dir, 'nginx.conf'), '-p', dir, '-e', 'stderr'], {
    logFile: path.join(dir, 'nginx.log'),
    readyLine: false
  })
  for (let tries = 0; !(await accepts(port)); tries++) {
    if (program.ended || tries > 100)
      throw new Error(`nginx did not start:\n${readFileSync(path.join(dir, 'nginx.log'), 'utf8')}`)
    await sleep(50)
  }
  return { what: options.version, url: `https://127.0.0.1:${port}`, caFile, close: () => program.stop() }
}

async function startNode(options: { key: string; cert: string; folder: string; caFile: string }): Promise<FileServer> {
  const server = https.createServer(
    { key: options.key, cert: options.cert, minVersion: 'TLSv1.3' },
    (request, response) => {
      const file = path.join(options.folder, path.basename(request.url ?? ''))
      response.setHeader('Content-Length', statSync(file).size)
      createReadStream(file, { highWaterMark: 256 * 1024 }).pipe(response)
    }
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    what: `node:https ${process.version} (no nginx on this machine; shares this process with the measurement)`,
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    caFile: options.caFile,
    close: async () => {
      server.closeAllConnections()
      server.close()
    }
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
