import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { freePorts } from '../free-ports.ts'
import { end, serve } from './run.ts'

/** A real registry of images behind a counter of body bytes. */
export interface Registry {
  /** `127.0.0.1:port`, of the counter. */
  readonly host: string
  readonly bodyBytes: () => number
  close(): Promise<void>
}

const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** @throws when docker-registry is not there */
export async function startRegistry(dir: string): Promise<Registry> {
  const [port] = await freePorts(1)
  const config = path.join(dir, 'registry.yml')
  await writeFile(
    config,
    `version: 0.1\nlog:\n  level: info\nstorage:\n  filesystem:\n    rootdirectory: ${path.join(dir, 'registry')}\nhttp:\n  addr: 127.0.0.1:${port}\n`
  )
  const child = await serve('docker-registry', ['serve', config], /listening on/)
  let sent = 0
  const counter = createServer((asked, answer) => {
    const on = request(
      { host: '127.0.0.1', port, path: asked.url, method: asked.method, headers: asked.headers },
      (got) => {
        answer.writeHead(got.statusCode ?? 502, got.headers)
        got.on('data', (chunk: Buffer) => void (sent += asked.method === 'GET' ? chunk.length : 0))
        got.pipe(answer)
      }
    )
    on.on('error', () => answer.destroy())
    asked.pipe(on)
  })
  counter.listen(0, '127.0.0.1')
  await new Promise((resolve) => counter.once('listening', resolve))
  return {
    host: `127.0.0.1:${(counter.address() as AddressInfo).port}`,
    bodyBytes: () => sent,
    async close() {
      counter.closeAllConnections()
      counter.close()
      await end(child)
    }
  }
}

/** Pushes an image of one layer. @returns bytes of all its parts */
export async function pushImage({ host }: Registry, name: string, layer: Buffer): Promise<number> {
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: {},
      rootfs: { type: 'layers', diff_ids: [digestOf(layer)] }
    })
  )
  const described = (mediaType: string, bytes: Buffer) => ({ mediaType, size: bytes.length, digest: digestOf(bytes) })
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
      config: described('application/vnd.docker.container.image.v1+json', config),
      layers: [described('application/vnd.docker.image.rootfs.diff.tar', layer)]
    })
  )
  for (const blob of [config, layer]) {
    const begun = await fetch(`http://${host}/v2/${name}/blobs/uploads/`, { method: 'POST' })
    const to = new URL(begun.headers.get('location')!, `http://${host}`)
    to.host = host
    to.searchParams.set('digest', digestOf(blob))
    const put = await fetch(to, {
      method: 'PUT',
      body: new Uint8Array(blob),
      headers: { 'content-type': 'application/octet-stream' }
    })
    if (put.status !== 201) throw new Error(`the registry did not take a blob: ${put.status}`)
  }
  const put = await fetch(`http://${host}/v2/${name}/manifests/1`, {
    method: 'PUT',
    body: new Uint8Array(manifest),
    headers: { 'content-type': 'application/vnd.docker.distribution.manifest.v2+json' }
  })
  if (put.status !== 201) throw new Error(`the registry did not take the manifest: ${put.status}`)
  return config.length + layer.length + manifest.length
}
