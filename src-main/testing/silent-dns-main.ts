import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { connect } from '../client/connection.ts'

/**
 * In a network of its own, whose name server is this process and never answers: starts an agent, lets it look up ten names, tells it
 * to stop and prints how long that took.
 */
const [dataDir] = process.argv.slice(2)
const nameServer = createSocket('udp4')
let queries = 0
const asked = new Promise<void>((resolve) => nameServer.on('message', () => ++queries && resolve()))
nameServer.bind(53, '127.0.0.1')
await once(nameServer, 'listening')

const larder = fileURLToPath(new URL('../cli/larder.ts', import.meta.url))
const ports = ['--api-port', '0', '--peer-port', '0', '--no-beacon', '--listen', '127.0.0.1']
const child = spawn(process.execPath, ['--no-warnings', larder, 'agent', '--data-dir', dataDir!, '--json', ...ports], {
  stdio: ['ignore', 'pipe', 'inherit']
})
await once(child.stdout, 'data')
const agent = await connect({ dataDir: dataDir! })
for (let i = 0; i < 10; i++) await agent.request({ url: `http://host-${i}.larder.test/setup.msi` })
await asked
const startMs = performance.now()
child.kill('SIGTERM')
const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
process.stdout.write(JSON.stringify({ code, signal, queries, stopMs: Math.round(performance.now() - startMs) }))
process.exit(0)
