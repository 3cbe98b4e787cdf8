import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { LARDER_VERSION } from '../contract/version.ts'
import { SiteKey } from '../contract/settings.ts'
import { LarderError } from '../lib/errors.ts'
import { startAgentRig, type AgentRig } from '../testing/agent-rig.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'
import { checkOutput } from '../testing/check-output.ts'
import { main } from './main.ts'

const script = fileURLToPath(new URL('./larder.ts', import.meta.url))
const data = Buffer.from('content of the file '.repeat(5000))

interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

let dir: string
let rig: AgentRig
let origin: OriginServer
beforeAll(async () => {
  rig = await startAgentRig({ name: 'pc-1' })
  origin = await startOriginServer()
  process.env['LARDER_DATA_DIR'] = rig.dataDir
})
afterAll(async () => {
  delete process.env['LARDER_DATA_DIR']
  await rig.close()
  await origin.close()
})
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'larder-cli-'))
})
afterEach(() => {
  rig.double.onRequest = undefined
  rmSync(dir, { recursive: true })
})

/** One command in this process. */
async function larder(args: readonly string[]): Promise<Outcome> {
  const written = { stdout: '', stderr: '' }
  const stream = (name: 'stdout' | 'stderr') =>
    new Writable({
      write(chunk, _encoding, done) {
        written[name] += String(chunk)
        done()
      }
    })
  const code = await main(args, { stdout: stream('stdout'), stderr: stream('stderr') })
  checkOutput(args, written.stdout)
  return { code, ...written }
}

/** One command as its own process, as people start it. */
function start(args: readonly string[]): { child: ChildProcess; outcome: Promise<Outcome> } {
  const child = spawn(process.execPath, ['--no-warnings', script, ...args], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => (stdout += chunk))
  child.stderr.on('data', (chunk) => (stderr += chunk))
  const outcome = new Promise<Outcome>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
  return { child, outcome }
}

const lastLine = (text: string) => JSON.parse(text.trim().split('\n').at(-1)!)

describe('reading the command line', () => {
  test('the version is one line, or JSON', async () => {
    expect(await start(['version']).outcome).toEqual({
      code: 0,
      stdout: `larder ${LARDER_VERSION} (local API 1, Node ${process.versions.node})\n`,
      stderr: ''
    })
    expect(JSON.parse((await larder(['version', '--json'])).stdout)).toEqual({
      version: LARDER_VERSION,
      apiVersion: 1,
      outputVersion: 1,
      node: process.versions.node
    })
  })

  test('help has examples; no command at all is wrong usage and shows the help', async () => {
    const help = await larder(['get', '--help'])
    expect([help.code, help.stderr]).toEqual([0, ''])
    expect(help.stdout).toContain('$ larder get https://example.com/setup.msi')
    const none = await larder([])
    expect([none.code, none.stdout]).toEqual([2, ''])
    expect(none.stderr).toContain('Usage: larder')
  })

  test('a site key that only the running agent was given counts as membership', async () => {
    const show = async () =>
      JSON.parse((await larder(['fleet', 'show', '--json', '--data-dir', rig.dataDir])).stdout).via
    expect(await show()).toBe('none')
    rig.double.change({ fleet: { member: true, via: 'site-key', tag: 'a6e1' } })
    expect(await show()).toBe('site-key')
    rig.double.change({ fleet: { member: false, via: 'none', tag: null } })
  })

  test.each([
    [['statu'], /Did you mean status/],
    [['get'], /url/],
    [['get', 'http://x/', '--timeout', 'soon'], /duration/],
    [['get', 'http://x/', '--sha256', '0', '--integrity', 'x'], /cannot be used/],
    [['get', 'http://x/', '--kind', 'other'], /resource/],
    [['agent', '--api-port', '70000'], /65535/],
    [['agent', '--cache-max', 'much'], /size/],
    [['status', 'extra'], /argument/]
  ])('%j is wrong usage', async (args, message) => {
    const { code, stdout, stderr } = await larder(args)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/^larder: [^]*\n {2}→ See `larder --help`[^\n]*\n {2}\(BAD_REQUEST\)\n$/)
  })

  test('a new site key is one an agent takes', async () => {
    const { stdout } = await larder(['fleet', 'key', 'new'])
    expect(SiteKey.safeParse(stdout.trim()).success).toBe(true)
    expect(
      SiteKey.safeParse(JSON.parse((await larder(['fleet', 'key', 'new', '--json'])).stdout).siteKey).success
    ).toBe(true)
  })
})

describe('errors', () => {
  test('go to stderr with what to do and the code; the exit code is that of the error', async () => {
    expect(await larder(['status', '--data-dir', join(dir, 'none')])).toEqual({
      code: 60,
      stdout: '',
      stderr:
        'larder: No agent is running for this user.\n  → Start it with `larder agent`, or open the Larder application.\n  (AGENT_NOT_RUNNING)\n'
    })
  })

  test('go to stdout as JSON when JSON was asked for, and nothing goes to stderr', async () => {
    const { code, stdout, stderr } = await start(['status', '--json', '--data-dir', join(dir, 'none')]).outcome
    expect([code, stderr]).toEqual([60, ''])
    expect(JSON.parse(stdout)).toEqual({
      error: {
        code: 'AGENT_NOT_RUNNING',
        message: 'No agent is running for this user.',
        next: 'Start it with `larder agent`, or open the Larder application.'
      }
    })
    const usage = await larder(['get', '--json'])
    expect([usage.code, usage.stderr]).toEqual([2, ''])
    expect(JSON.parse(usage.stdout).error.code).toBe('BAD_REQUEST')
  })

  test('a reader that has gone is not an error', async () => {
    const { child, outcome } = start(['status'])
    child.stdout!.destroy()
    expect(await outcome).toMatchObject({ code: 0, stderr: '' })
  })
})

describe('looking at the agent', () => {
  test('status, peers, masters and events, for people and as JSON', async () => {
    rig.double.happen('warning', 'a \u001b[31mred\u001b[0m warning')
    rig.double.change({
      peers: [
        {
          id: null,
          name: 'pc-2',
          address: '10.0.0.2',
          state: 'refused',
          reason: 'other fleet',
          weight: null,
          version: null,
          since: 1,
          receivedBytes: 0,
          servedBytes: 0,
          banned: false
        }
      ]
    })
    const [status, statusJson, peers, masters, events, eventsJson] = await Promise.all([
      larder(['status']),
      larder(['status', '--json']),
      larder(['peers']),
      larder(['masters', '--json']),
      larder(['events']),
      larder(['events', '--json', '--since', '0'])
    ])
    expect(status.stdout).toMatch(/^agent +pc-1, Larder /)
    expect(JSON.parse(statusJson.stdout)).toMatchObject({ name: 'pc-1', ports: { api: rig.port } })
    expect(peers.stdout).toMatch(/NAME .*\npc-2 .*refused .*\n +other fleet/)
    expect(JSON.parse(masters.stdout)).toEqual({ masters: [] })
    expect(events.stdout).toContain('a red warning')
    expect(lastLine(eventsJson.stdout)).toMatchObject({ type: 'warning' })
    expect([status, peers, events].map(({ code }) => code)).toEqual([0, 0, 0])
  })

  test('following events ends when told to', async () => {
    const since = String(rig.double.happen('warning', 'before').seq - 1)
    const { child, outcome } = start(['events', '--follow', '--since', since, '--json'])
    let lines = 0
    child.stdout!.on('data', (chunk: Buffer) => {
      lines += chunk.toString().split('\n').length - 1
      if (lines === 1) rig.double.happen('warning', 'after')
      if (lines === 2) child.kill('SIGINT')
    })
    expect(await outcome).toMatchObject({ code: 0, stderr: '' })
  })

  test('rates and limits are changed as said; none lifts one, what is not named stays', async () => {
    expect(await larder(['rates', 'set', '--wan', 'none', '--upload', '1M', '--adaptive', 'on'])).toMatchObject({
      code: 0
    })
    expect(await larder(['cache', 'limits', '--max-size', '20GiB', '--max-age', 'none'])).toMatchObject({ code: 0 })
    expect(rig.double.changesMade).toEqual([
      { wanForeground: null, upload: 2 ** 20, adaptive: true },
      { maxBytes: 20 * 2 ** 30, maxAgeDays: null }
    ])
    expect((await larder(['rates', 'set', '--wan', 'fast'])).code).toBe(2)
  })

  test('options behind a command of a command are its own', async () => {
    expect(await larder(['rates', 'set', '--wan', '2M', '--data-dir', '/no/such/folder'])).toMatchObject({ code: 60 })
  })

  test('the cache is listed, a content removed by the start of its digest, the rest cleared', async () => {
    const sha256 = rig.double.cacheDouble.keep(Buffer.from('cached'), 'http://origin.test/cached')
    expect((await larder(['cache', 'ls'])).stdout).toMatch(
      new RegExp(`${sha256.slice(0, 12)} .*http://origin.test/cached\n1 of 1 content shown`)
    )
    expect((await larder(['cache', 'pin', sha256.slice(0, 8), '--json'])).stdout).toBe(
      `${JSON.stringify({ sha256, pinned: true, until: null })}\n`
    )
    expect(JSON.parse((await larder(['cache', 'clear', '--dry-run', '--json'])).stdout)).toEqual({
      removed: 0,
      unfinished: 0,
      unfinishedBytes: 0,
      bytes: 0,
      kept: 1,
      dryRun: true
    })
    expect((await larder(['cache', 'verify'])).stdout).toBe('1 content read, 1 good\n')
    expect((await larder(['cache', 'rm', 'zz'])).code).toBe(2)
    expect((await larder(['cache', 'rm', '000000'])).code).toBe(3)
    expect((await larder(['cache', 'rm', sha256.slice(0, 8), '--dry-run'])).stdout).toContain(
      'would be removed, 6 B freed'
    )
    expect((await larder(['cache', 'rm', sha256.slice(0, 8)])).stdout).toContain('removed, 6 B freed')
    expect(JSON.parse((await larder(['cache', 'ls', '--json'])).stdout)).toMatchObject({ total: 0, entries: [] })
  })

  test('transfers are paused and resumed, the integration turned off and on, with the name of the user', async () => {
    expect((await larder(['pause', '--until-resumed'])).stdout).toContain('until `larder resume`')
    expect(rig.double.snapshot().paused).toEqual({ until: null, by: ['person'] })
    expect(JSON.parse((await larder(['resume', '--json'])).stdout)).toEqual({ paused: null })
    expect((await larder(['integration', 'off'])).stdout).toMatch(/^The integration is off, by .+, command line since /)
    expect(JSON.parse((await larder(['integration', 'status', '--json'])).stdout).integration.enabled).toBe(false)
    await larder(['integration', 'on'])
    expect(rig.double.snapshot().integration.enabled).toBe(true)
  })
})

describe('larder get', () => {
  test('goes through the agent and says from where it came', async () => {
    rig.double.onRequest = ({ id }) => {
      rig.double.update(id, {
        state: 'active',
        lengthBytes: data.length,
        haveBytes: 10,
        role: 'follower',
        masterName: 'pc-2'
      })
      rig.double.finish(id, data, { originBytes: 0, peerBytes: data.length, cacheBytes: 0 })
    }
    const { code, stdout, stderr } = await start([
      'get',
      'http://origin.test/setup.msi',
      '--priority',
      'background',
      '--header',
      'Accept: x',
      '--header',
      'X-Y: z'
    ]).outcome
    expect([code, stdout]).toEqual([0, expect.stringMatching(/setup\.msi: 97\.7 KiB from peers in /)])
    expect(stderr).toContain('master is pc-2')
    expect(readFileSync(join(dir, 'setup.msi')).equals(data)).toBe(true)
    expect(rig.double.specs.at(-1)).toMatchObject({ priority: 'background', headers: { Accept: 'x', 'X-Y': 'z' } })
  })

  test('gives one JSON line with all facts', async () => {
    rig.double.onRequest = ({ id }) => rig.double.finish(id, data)
    const { stdout, stderr } = await larder(['get', 'http://origin.test/a', '-o', join(dir, 'b'), '--json'])
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toMatchObject({
      path: expect.stringMatching(/b$/),
      source: 'agent',
      reason: null,
      lengthBytes: data.length,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      split: { originBytes: data.length, peerBytes: 0, cacheBytes: 0 },
      stale: false,
      role: 'none',
      master: null
    })
  })

  test('is silent when asked to be', async () => {
    rig.double.onRequest = ({ id }) => rig.double.finish(id, data)
    expect(await larder(['get', 'http://origin.test/a', '-q', '-o', dir])).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  test('goes directly to the origin when told to, or when there is no agent', async () => {
    const url = origin.put('/direct.bin', data)
    const told = await larder(['get', url, '--no-agent', '-o', dir])
    expect([told.code, told.stdout]).toEqual([0, expect.stringContaining('directly from the origin')])
    mkdirSync(join(dir, 'folder'))
    const alone = await larder([
      'get',
      url,
      '-o',
      join(dir, 'folder'),
      '--no-stagger',
      '--json',
      '--data-dir',
      join(dir, 'none')
    ])
    expect(JSON.parse(alone.stdout)).toMatchObject({ source: 'direct', reason: 'agent-absent', role: 'direct' })
    expect(readFileSync(join(dir, 'folder', 'direct.bin')).equals(data)).toBe(true)
  })

  test('leaves an existing file alone when the content is wrong, and nothing beside it', async () => {
    writeFileSync(join(dir, 'direct.bin'), 'old')
    const { code, stderr } = await larder([
      'get',
      origin.put('/direct.bin', data),
      '--no-agent',
      '-o',
      dir,
      '--sha256',
      '0'.repeat(64)
    ])
    expect([code, stderr]).toEqual([10, expect.stringContaining('(DIGEST_MISMATCH)')])
    expect(readdirSync(dir)).toEqual(['direct.bin'])
    expect(readFileSync(join(dir, 'direct.bin'), 'utf8')).toBe('old')
  })

  test.each([
    [['ftp://x/y'], 2, 'URL_SCHEME_UNSUPPORTED'],
    [['http://x/y', '--sha256', 'abc'], 2, 'DIGEST_INVALID'],
    [['http://x/y', '-o', '-'], 2, 'DESTINATION_INVALID'],
    [['http://x/y', '-o', 'no/where'], 2, 'DESTINATION_INVALID'],
    [['http://x/y', '--header', 'nonsense secret'], 2, 'BAD_REQUEST'],
    [['http://x/y', '--timeout', '1ms'], 2, 'BAD_REQUEST']
  ])('%j → exit %i %s', async (args, code, name) => {
    const outcome = await larder(['get', ...args])
    expect([outcome.code, outcome.stderr]).toEqual([code, expect.stringContaining(`(${name})`)])
    expect(outcome.stderr).not.toContain('secret')
    expect(readdirSync(dir)).toEqual([])
  })

  test('the agent’s error is the exit code', async () => {
    rig.double.onRequest = ({ id }) => rig.double.fail(id, new LarderError('ORIGIN_NOT_FOUND', 'It is not there'))
    const { code, stdout } = await larder(['get', 'http://origin.test/a', '-o', dir, '--json'])
    expect([code, JSON.parse(stdout).error]).toEqual([
      22,
      expect.objectContaining({ code: 'ORIGIN_NOT_FOUND', message: 'It is not there' })
    ])
  })

  test('Ctrl+C cancels at the agent and leaves nothing', async () => {
    const { child, outcome } = start(['get', 'http://origin.test/slow'])
    let id: string | undefined
    rig.double.onRequest = (view) => {
      id = view.id
      child.kill('SIGINT')
    }
    expect((await outcome).code).toBe(31)
    expect(rig.double.requestView(id as never).state).toBe('cancelled')
    expect(readdirSync(dir)).toEqual([])
  })
})
