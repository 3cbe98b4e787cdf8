import { parseArgs } from 'node:util'
import { oddFiles } from './odd-files.ts'
import { startOriginServer } from './origin-server.ts'

/**
 *     node src-main/testing/origin-server-main.ts --port 0 --rate-mbit 50 --file /name=100MiB:seed --files 200x10KiB
 *
 * `--odd`: how these files behave, of `odd-files.ts`.
 *
 * Serves generated files until the process is ended. Prints one line of JSON when ready; `GET /__stats`, `POST /__reset`.
 */
const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    'rate-mbit': { type: 'string' },
    'latency-ms': { type: 'string', default: '0' },
    https: { type: 'boolean', default: false },
    file: { type: 'string', multiple: true, default: [] },
    files: { type: 'string', multiple: true, default: [] },
    odd: { type: 'string' },
    'json-stats': { type: 'boolean', default: false }
  }
})

const units: Record<string, number> = { '': 1, B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }

function bytesOf(text: string): number {
  const match = /^(\d+)(B|KiB|MiB|GiB)?$/.exec(text)
  if (!match) throw new Error(`not a size: ${text} (expected e.g. 100MiB)`)
  return Number(match[1]) * units[match[2] ?? '']!
}

const rateMbit = values['rate-mbit'] === undefined ? null : Number(values['rate-mbit'])
if (rateMbit !== null && !(rateMbit > 0)) throw new Error(`not a rate: ${values['rate-mbit']}`)
const server = await startOriginServer({
  port: Number(values.port),
  https: values.https,
  rateBytesPerSecond: rateMbit === null ? null : (rateMbit * 1_000_000) / 8,
  latencyMs: Number(values['latency-ms'])
})

const paths: string[] = []
for (const spec of values.file) {
  const match = /^(\/[^=]*)=([^:]+)(?::(.*))?$/.exec(spec)
  if (!match) throw new Error(`not a file: ${spec} (expected /name=size:seed)`)
  const bytes = bytesOf(match[2]!)
  const faults = values.odd === undefined ? undefined : oddFiles[values.odd]?.(bytes)
  server.put(match[1]!, { generate: { bytes, seed: match[3] ?? match[1]! } }, { ...(faults && { faults }) })
  paths.push(match[1]!)
}
for (const spec of values.files) {
  const match = /^(\d+)x(\w+)$/.exec(spec)
  if (!match) throw new Error(`not a set of files: ${spec} (expected e.g. 200x10KiB)`)
  for (let i = 0; i < Number(match[1]); i++) {
    const path = `/files-${match[2]}/${i}`
    server.put(path, { generate: { bytes: bytesOf(match[2]!), seed: path } })
    paths.push(path)
  }
}

const files = []
for (const path of paths) files.push({ path, bytes: server.bytes(path), sha256: await server.sha256(path) })
process.stdout.write(
  `${JSON.stringify({ url: server.url, httpsUrl: server.httpsUrl || null, ca: server.ca, pid: process.pid, files })}\n`
)

const end = () => {
  if (values['json-stats']) process.stdout.write(`${JSON.stringify(server.stats())}\n`)
  void server.close().then(() => process.exit(0))
}
process.once('SIGTERM', end)
process.once('SIGINT', end)
