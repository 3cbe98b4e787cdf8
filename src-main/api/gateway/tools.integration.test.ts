import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../lib/clock.ts'
import { ask, startFleet, type Fleet } from '../../testing/fleet.ts'
import { startOddOrigin, type OddOrigin } from '../../testing/odd-origin.ts'
import { agentForGateway } from './agent-for-gateway.ts'
import { startGateway, type Gateway } from './gateway.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })
const MIB = 1024 ** 2
let origin: OddOrigin
let fleet: Fleet
let gateways: Gateway[]
let dir: string
let made = 0
beforeAll(async () => {
  origin = await startOddOrigin(20 * MIB + 7)
  fleet = await startFleet(2)
  dir = await mkdtemp(join(tmpdir(), 'larder-tools-'))
  gateways = await Promise.all(
    fleet.agents.map(({ agent, log }) =>
      startGateway({
        agent: agentForGateway(agent),
        token: 'c0'.repeat(32),
        hosts: () => [new URL(origin.url).host],
        port: 0,
        clock: systemClock,
        log
      })
    )
  )
})
afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.close()))
  await fleet.stop()
  await origin.close()
  await rm(dir, { recursive: true, force: true })
})

const base = (via = 0) => `http://127.0.0.1:${gateways[via]!.port}`
const host = () => new URL(origin.url).host
/** A URL nobody has asked for yet, in the path form. */
const path = (mode = 'plain') => `/fetch/http/${host()}/${mode}/${++made}/f.bin`
const digestOf = async (name: string) =>
  createHash('sha256')
    .update(await readFile(join(dir, name)))
    .digest('hex')

interface Ran {
  /** Null: there is no such program on this PC. */
  readonly code: number | null
  readonly out: string
}

/** Runs a program in the folder of this test, with nothing of this process' surroundings. */
function run(program: string, ...args: string[]): Promise<Ran> {
  const env = { PATH: process.env['PATH'], HOME: dir, LANG: 'C.UTF-8' }
  return new Promise((resolve) =>
    execFile(program, args, { cwd: dir, env, timeout: 50_000 }, (error, stdout, stderr) => {
      const out = stdout + stderr
      if (!error) return resolve({ code: 0, out })
      resolve({ code: error.code === 'ENOENT' ? null : Number(error.code ?? 1), out })
    })
  )
}

describe('a tool behind the gateway', () => {
  test('curl resumes a file in the path form, and never one file with another by /fetch?url=', async ({ skip }) => {
    const one = path()
    const begun = origin.body.subarray(0, 5 * MIB)
    await writeFile(join(dir, 'f.bin'), begun)
    const resumed = await run('curl', '-sS', '-C', '-', '-O', base() + one)
    if (resumed.code === null) skip('curl is not installed')
    expect(resumed.code, resumed.out).toBe(0)
    expect(await digestOf('f.bin')).toBe(origin.sha256)

    // What lies there is of another file: nothing is added to it.
    const other = Buffer.alloc(1000, 'other')
    await writeFile(join(dir, 'fetch'), other)
    const mixed = await run('curl', '-sS', '-C', '-', '-O', `${base()}/fetch?url=${origin.url}/plain/x/g.bin`)
    expect(mixed.code).not.toBe(0)
    expect((await readFile(join(dir, 'fetch'))).equals(other)).toBe(true)
    // The name of the file is the one of the URL.
    const named = await run('curl', '-sS', '-OJ', `${base()}/fetch?url=${origin.url}/plain/x/g.bin`)
    expect(named.code, named.out).toBe(0)
    expect(await digestOf('g.bin')).toBe(origin.sha256)
  })

  test('curl gets the very URL it names', async ({ skip }) => {
    const odd = '/plain/a%2Fb+c/f.bin?x=1&y=a+b%26c&url=2'
    for (const target of [
      `/fetch/http/${host()}${odd}`,
      `/fetch?url=${origin.url}${odd}`,
      `/fetch?url=${encodeURIComponent(origin.url + odd)}`
    ]) {
      origin.requests.length = 0
      const { code, out } = await run('curl', '-sS', '-o', 'odd', '--path-as-is', base() + target)
      if (code === null) skip('curl is not installed')
      expect(code, out).toBe(0)
      expect(new Set(origin.requests.map((request) => request.target))).toEqual(new Set([odd]))
    }
    const lost = await run('curl', '-sS', `${base()}/fetch?url=${encodeURIComponent(`${origin.url}/a?b=1`)}&c=2`)
    expect(lost.out).toMatch(/BAD_REQUEST.*%26/)
  })

  test('wget goes on with what it has', async ({ skip }) => {
    await writeFile(join(dir, 'w.bin'), origin.body.subarray(0, 7 * MIB))
    const { code, out } = await run('wget', '-q', '-c', '-O', 'w.bin', base() + path())
    if (code === null) skip('wget is not installed')
    expect(code, out).toBe(0)
    expect(await digestOf('w.bin')).toBe(origin.sha256)
  })

  test('aria2 with four connections costs the site the content once', async ({ skip }) => {
    const target = path()
    origin.requests.length = 0
    const all = await Promise.all(
      [0, 1].map((via) =>
        run('aria2c', '-q', '-x4', '-s4', '-k1M', '--allow-overwrite=true', '-o', `aria-${via}`, base(via) + target)
      )
    )
    if (all.some(({ code }) => code === null)) skip('aria2c is not installed')
    expect(all.map(({ code }) => code)).toEqual([0, 0])
    expect([await digestOf('aria-0'), await digestOf('aria-1')]).toEqual([origin.sha256, origin.sha256])
    expect(origin.sent('/plain') / origin.body.length).toBeLessThanOrEqual(1.05)
  })

  test('four closed ranges at once at each of two PCs cost the site the content once', async () => {
    const target = path()
    origin.requests.length = 0
    const { length } = origin.body
    const part = Math.ceil(length / 4)
    const bodies = await Promise.all(
      [0, 1].map(async (via) => {
        const parts = await Promise.all(
          [0, 1, 2, 3].map(async (i) => {
            const range = `bytes=${i * part}-${Math.min(length, (i + 1) * part) - 1}`
            const answer = await fetch(base(via) + target, { headers: { range } })
            expect(answer.status).toBe(206)
            return Buffer.from(await answer.arrayBuffer())
          })
        )
        return createHash('sha256').update(Buffer.concat(parts)).digest('hex')
      })
    )
    expect(bodies).toEqual([origin.sha256, origin.sha256])
    expect(origin.sent('/plain') / length).toBeLessThanOrEqual(1.05)
  })

  test('the fetch of Node gets it; HEAD, conditions and several ranges are answered', async () => {
    const url = base() + path()
    const got = await fetch(url)
    expect([
      got.status,
      createHash('sha256')
        .update(Buffer.from(await got.arrayBuffer()))
        .digest('hex')
    ]).toEqual([200, origin.sha256])
    const head = await fetch(url, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(origin.body.length)])
    const same = await fetch(url, { headers: { 'if-none-match': '"v1"' } })
    expect(same.status).toBe(304)
    // RFC 9110 §14.2: a server may answer several ranges with the whole.
    const several = await fetch(url, { headers: { range: 'bytes=0-9,20-29' } })
    expect([several.status, (await several.arrayBuffer()).byteLength]).toEqual([200, origin.body.length])
  })

  test('gets the representation it asks for, whatever another one asked for before', async () => {
    const url = base() + path('vary')
    const asked = async (via: string, accept?: string) =>
      (await (await fetch(via, { headers: accept ? { accept } : {} })).text()).slice(0, 4)
    const elsewhere = url.replace(base(), base(1))
    expect([
      await asked(url),
      await asked(url, 'application/json'),
      await asked(url),
      await asked(elsewhere, 'application/json'),
      await asked(elsewhere),
      await asked(url, 'application/json')
    ]).toEqual(['html', 'json', 'html', 'json', 'html', 'json'])
  })

  test('is told by CONNECT what to do instead', async ({ skip }) => {
    const { code, out } = await run('curl', '-sv', '-x', base(), 'https://files.example/a')
    if (code === null) skip('curl is not installed')
    expect(out).toContain('405')
    const { hostname, port } = new URL(base())
    const asked = connect(Number(port), hostname).end(
      'CONNECT files.example:443 HTTP/1.1\r\nHost: files.example\r\n\r\n'
    )
    const answer = (await asked.toArray()).join('')
    expect(answer).toMatch(/^HTTP\/1\.1 405 .*GATEWAY_METHOD.*makes no tunnels.*"next":".*\/fetch/s)
  })

  test('a program that asks an agent itself gets its representation, too', async () => {
    const url = `${origin.url}/vary/${++made}/f.bin`
    const bytes: string[] = []
    for (const [i, accept] of [undefined, 'application/json', undefined, 'application/json'].entries()) {
      const destination = join(dir, `vary-${i}`)
      const view = await ask(fleet.agents[i % 2]!.agent, {
        url,
        destination,
        ...(accept && { headers: { Accept: accept } })
      })
      expect(view.state).toBe('done')
      bytes.push((await readFile(destination, 'utf8')).slice(0, 4))
    }
    expect(bytes).toEqual(['html', 'json', 'html', 'json'])
  })

  test('requests of one PC at the same moment share a download whose version has no name', async () => {
    const url = `${origin.url}/weak-etag/${++made}/f.bin`
    const { agent } = fleet.agents[0]!
    const views = await Promise.all([0, 1, 2].map((i) => ask(agent, { url, destination: join(dir, `weak-${i}`) })))
    expect(views.map(({ state }) => state)).toEqual(['done', 'done', 'done'])
    expect(await digestOf('weak-2')).toBe(origin.sha256)
    expect(origin.sent(new URL(url).pathname) / origin.body.length).toBeLessThanOrEqual(1.05)
  })

  test('what has a strong tag and no length is asked for again by its tag', async () => {
    const url = `${origin.url}/chunked/${++made}/f.bin`
    const { agent } = fleet.agents[0]!
    for (const i of [0, 1])
      expect((await ask(agent, { url, destination: join(dir, `chunked-${i}`) })).state).toBe('done')
    expect(origin.sent(new URL(url).pathname) / origin.body.length).toBeLessThanOrEqual(1.05)
    expect(origin.requests.at(-1)!.fields['if-none-match']).toBe('"v1"')
  })
})
