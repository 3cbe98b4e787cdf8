import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { connect } from '../client/connection.ts'
import { download } from '../client/download.ts'
import { startOriginServer } from '../testing/origin-server.ts'

const script = fileURLToPath(new URL('./larder.ts', import.meta.url))
/** Nothing of it leaves loopback. */
const quietNetwork = ['--api-port', '0', '--peer-port', '0', '--no-beacon', '--listen', '127.0.0.1']

let dir: string
let children: ChildProcess[]
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'larder-agent-'))
  children = []
})
afterEach(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await new Promise((done) => child.once('close', done))
  }
  rmSync(dir, { recursive: true })
})

interface Started {
  readonly child: ChildProcess
  /** First line of stdout, or all of it when the process ends before. */
  readonly firstLine: Promise<string>
  readonly outcome: Promise<{ code: number | null; stderr: string }>
}

function startAgent(args: readonly string[] = []): Started {
  const child = spawn(
    process.execPath,
    ['--no-warnings', script, 'agent', '--data-dir', join(dir, 'data'), ...quietNetwork, ...args],
    { stdio: ['ignore', 'pipe', 'pipe'] }
  )
  children.push(child)
  let stdout = ''
  let stderr = ''
  child.stderr.on('data', (chunk) => (stderr += chunk))
  const firstLine = new Promise<string>((resolve) => {
    child.stdout.on('data', (chunk) => {
      stdout += chunk
      if (stdout.includes('\n')) resolve(stdout.split('\n')[0]!)
    })
    child.on('close', () => resolve(stdout))
  })
  return { child, firstLine, outcome: new Promise((resolve) => child.on('close', (code) => resolve({ code, stderr }))) }
}

test(
  'an agent says in one line that it is ready, serves programs, refuses a second one, and stops cleanly when told',
  { timeout: 60_000 },
  async () => {
    const dataDir = join(dir, 'data')
    const { child, firstLine, outcome } = startAgent(['--json', '--name', 'pc-1', '--set', 'log.level=debug'])
    const ready = JSON.parse(await firstLine)
    expect(ready).toEqual({
      ready: true,
      pid: child.pid,
      apiPort: expect.any(Number),
      peerPort: null,
      id: expect.stringMatching(/^[0-9a-f]{64}$/),
      dataDir
    })
    expect(JSON.parse(readFileSync(join(dataDir, 'agent.json'), 'utf8'))).toMatchObject({
      pid: child.pid,
      apiPort: ready.apiPort
    })
    expect(statSync(dataDir).mode & 0o777).toBe(0o700)
    expect(await (await connect({ dataDir })).status()).toMatchObject({
      name: 'pc-1',
      pid: child.pid,
      state: 'running'
    })

    const origin = await startOriginServer()
    try {
      const url = origin.put('/file', Buffer.alloc(2_500_000, 'real'))
      expect(await download({ url, destination: join(dir, 'out') }, { dataDir })).toMatchObject({
        source: 'agent',
        lengthBytes: 2_500_000,
        path: join(dir, 'out')
      })
      expect(statSync(join(dir, 'out')).size).toBe(2_500_000)
      expect((await download({ url }, { dataDir })).data?.equals(Buffer.alloc(2_500_000, 'real'))).toBe(true)
    } finally {
      await origin.close()
    }

    const second = startAgent(['--json'])
    expect(JSON.parse(await second.firstLine).error).toMatchObject({
      code: 'AGENT_ALREADY_RUNNING',
      details: { pid: child.pid }
    })
    expect((await second.outcome).code).toBe(62)

    child.kill('SIGTERM')
    expect(await outcome).toEqual({ code: 0, stderr: '' })
    expect(readdirSync(dataDir)).not.toContain('agent.json')
  }
)

test('an agent that was killed leaves nothing in the way of the next', { timeout: 60_000 }, async () => {
  const killed = startAgent()
  expect(await killed.firstLine).toMatch(
    /^Larder \S+ is ready as .+: local API on 127\.0\.0\.1:\d+, no peers, data in /
  )
  killed.child.kill('SIGKILL')
  await killed.outcome
  expect(readdirSync(join(dir, 'data'))).toContain('agent.json')
  const next = startAgent(['--json'])
  expect(JSON.parse(await next.firstLine).ready).toBe(true)
  next.child.kill('SIGINT')
  expect((await next.outcome).code).toBe(0)
})

test('a setting that does not exist ends the start with its name', async () => {
  const started = startAgent(['--set', 'ports.apy=1'])
  expect(await started.outcome).toEqual({
    code: 66,
    stderr: expect.stringMatching(/ports\.apy in the command line: there is no such setting[^]*\(SETTINGS_INVALID\)/)
  })
})
