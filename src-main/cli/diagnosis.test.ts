import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { strFromU8, unzipSync } from 'fflate'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createRedactor } from '../api/redactor.ts'
import { DoctorReport } from '../contract/doctor.ts'
import { errorTable } from '../contract/errors.ts'
import { startAgentRig, type AgentRig } from '../testing/agent-rig.ts'
import { describeReport } from './doctor.ts'
import { eventsAsCsv } from './event-export.ts'
import { checkOutput } from '../testing/check-output.ts'
import { main } from './main.ts'

let rig: AgentRig
let dir: string
const siteKey = `larder-site-${'Zq9'.repeat(14)}x`
const secrets = {
  siteKey: 'Zq9Zq9Zq9',
  proxyUser: 'proxyuser77',
  proxyPassword: 'pr0xy%40pass77',
  urlPassword: 'urlpass77',
  signature: 'sig77value',
  bearer: 'bearertoken77.x',
  basic: 'QmFzaWM3Nzp0b2tlbg==',
  cookie: 'session77cookie',
  envKey: 'Ek7'.repeat(14),
  envProxy: 'envproxypass77',
  pem: 'MIGHAgEAMBMGByqGSM77'
}
beforeAll(async () => void (rig = await startAgentRig({ name: 'pc-1' })))
afterAll(() => rig.close())
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'larder-diag-'))))
afterEach(() => rmSync(dir, { recursive: true, force: true }))

async function larder(...args: string[]) {
  const written = { stdout: '', stderr: '' }
  const stream = (name: 'stdout' | 'stderr') =>
    new Writable({ write: (chunk, _encoding, done) => ((written[name] += String(chunk)), done()) })
  const code = await main(args.includes('--data-dir') ? args : [...args, '--data-dir', rig.dataDir], {
    stdout: stream('stdout'),
    stderr: stream('stderr')
  })
  checkOutput(args, written.stdout)
  return { code, ...written }
}

describe('larder support-bundle', () => {
  /** Puts each secret everywhere it could lie. */
  function plant(dataDir: string): void {
    const { siteKey: _key, ...rest } = secrets
    const said = [
      `key ${siteKey}`,
      `GET http://u77:${secrets.urlPassword}@origin.test/a?X-Signature=${secrets.signature}`,
      `Authorization: Bearer ${secrets.bearer}`,
      `authorization=Basic ${secrets.basic}`,
      `Cookie: a=${secrets.cookie}`,
      `proxy http://${secrets.proxyUser}:${secrets.proxyPassword}@proxy.test:3128`,
      `password=${secrets.envProxy}`,
      `-----BEGIN PRIVATE KEY-----\n${secrets.pem}\n-----END PRIVATE KEY-----`
    ]
    writeFileSync(
      join(dataDir, 'settings.json'),
      JSON.stringify({
        fleet: { siteKey },
        origin: { proxy: `http://${secrets.proxyUser}:${secrets.proxyPassword}@proxy.test:3128` },
        backgroundChannel: { url: `https://u:${secrets.urlPassword}@channel.test/?k=${secrets.signature}` }
      })
    )
    mkdirSync(join(dataDir, 'log'), { recursive: true })
    const lines = [
      ...said.map((msg) => JSON.stringify({ level: 30, msg })),
      JSON.stringify({ level: 30, headers: { authorization: rest.bearer, cookie: rest.cookie }, url: said[1] }),
      ...said,
      `half a line {"token":"${readFileSync(join(dataDir, 'api-token'), 'utf8')}"`
    ]
    writeFileSync(join(dataDir, 'log', 'larder.log'), lines.join('\n'))
    writeFileSync(join(dataDir, 'log', '20260101-larder.log'), `gateway ${'77'.repeat(32)}\n`)
    writeFileSync(join(dataDir, 'gateway-token'), '77'.repeat(32))
    writeFileSync(join(dataDir, 'device-key.pem'), said.at(-1)!)
    for (const text of said) rig.double.happen('warning', text)
    rig.double.request({
      url: `http://origin.test/b?X-Signature=${secrets.signature}`,
      kind: 'resource',
      priority: 'foreground',
      overwrite: true,
      allowStale: false
    })
    rig.double.cacheDouble.keep(Buffer.from('x'), `http://origin.test/c?X-Signature=${secrets.signature}`)
  }

  test.each([
    ['beside a running agent', false],
    ['without an agent', true]
  ])(
    '%s holds what helps and none of the secrets',
    async (_title, alone) => {
      process.env['HTTPS_PROXY'] = `http://e77:${secrets.envProxy}@127.0.0.1:9`
      process.env['LARDER_FLEET_KEY'] = `larder-site-${secrets.envKey}x`
      try {
        const dataDir = alone ? join(dir, 'data') : rig.dataDir
        if (alone) {
          mkdirSync(dataDir)
          writeFileSync(join(dataDir, 'api-token'), 'ef'.repeat(32))
        }
        plant(dataDir)
        const path = join(dir, 'bundle.zip')
        const made = await larder('support-bundle', '-o', path, '--json', ...(alone ? ['--data-dir', dataDir] : []))
        expect([made.code, made.stderr]).toEqual([0, ''])
        const { files } = JSON.parse(made.stdout) as { files: string[] }
        expect(files).toEqual([
          'about.json',
          'settings.json',
          'doctor.json',
          ...(alone ? [] : ['snapshot.json', 'events.json', 'cache.json']),
          'log/20260101-larder.log',
          'log/larder.log'
        ])
        const texts = Object.entries(unzipSync(readFileSync(path))).map(
          ([name, bytes]) => [name, strFromU8(bytes)] as const
        )
        const tokens = {
          api: readFileSync(join(dataDir, 'api-token'), 'utf8'),
          gateway: '77'.repeat(32),
          decoded: 'pr0xy@pass77'
        }
        for (const [name, text] of texts)
          for (const [which, secret] of Object.entries({ ...secrets, ...tokens }))
            expect(text.includes(secret), `${which} in ${name}`).toBe(false)
        const bundle = texts.map(([, text]) => text).join('\n')
        // And still says something.
        for (const useful of [
          'proxy.test:3128',
          'origin.test/a',
          '"id": "firewall',
          '"platform"',
          ...(alone ? ['"id": "agent"'] : ['"agentId"', '"type": "warning"'])
        ])
          expect(bundle, useful).toContain(useful)
        expect(statSync(path).mode & 0o777).toBe(0o600)
        const again = await larder('support-bundle', '-o', path, '--json', ...(alone ? ['--data-dir', dataDir] : []))
        expect(again.code).toBe(errorTable.DESTINATION_UNWRITABLE.exit)
      } finally {
        delete process.env['HTTPS_PROXY']
        delete process.env['LARDER_FLEET_KEY']
      }
    },
    60_000
  )

  test('a known secret is found in every spelling', () => {
    const { text, facts } = createRedactor(['p@ss word/1', 'abc'])
    for (const spelling of ['p@ss word/1', 'p%40ss%20word%2F1', Buffer.from('p@ss word/1').toString('base64')])
      expect(text(`x${spelling}y`)).not.toContain(spelling.slice(0, 8))
    expect(JSON.stringify(facts({ 'p@ss word/1': ['p@ss word/1'], deep: { er: { a: 'p@ss word/1' } } }))).not.toContain(
      'p@ss'
    )
    expect(text('abc')).toBe('abc')
  })
})

describe('larder doctor', () => {
  test('prints what it tried, saw and advises, and fails by its exit code', async () => {
    const human = await larder('doctor')
    expect(human.stdout).toMatch(/\[WARN\] Membership of the fleet\n {7}tried: .+\n {7}seen: {2}.+\n {7}do: {4}.+/)
    const { stdout, code } = await larder('doctor', '--json')
    const [report] = stdout.trim().split('\n')
    const { counts } = DoctorReport.parse(JSON.parse(report!))
    expect(code).toBe(counts.fail > 0 ? errorTable.CHECKS_FAILED.exit : 0)
  }, 60_000)

  test('without an agent says so first, and looks at the rest', async () => {
    const { code, stdout } = await larder('doctor', '--data-dir', join(dir, 'nobody'))
    expect(code).toBe(errorTable.CHECKS_FAILED.exit)
    expect(stdout.split('\n')[0]).toBe('[FAIL] Agent')
    expect(stdout).toContain('Version')
  }, 60_000)

  test('what comes from peers cannot steer the terminal', () => {
    const seen = '\u001b[2Jevil\u202e'
    expect(
      describeReport({
        at: 0,
        version: '0',
        checks: [{ id: 'a', title: 't', tried: seen, seen, verdict: 'warn', next: seen }],
        counts: { ok: 0, note: 0, warn: 1, fail: 0, skipped: 0 }
      })
    ).not.toMatch(/[\u001b\u202e]/)
  })
})

describe('the other commands of diagnosis', () => {
  test('larder log level shows and sets the level', async () => {
    expect((await larder('log', 'level')).stdout).toContain('level info')
    expect(JSON.parse((await larder('log', 'level', 'debug', '--json')).stdout)).toMatchObject({
      log: { level: 'debug' }
    })
    expect((await larder('log', 'level', 'loud')).code).toBe(errorTable.BAD_REQUEST.exit)
  })

  test('larder why tells of a download, or that there is none', async () => {
    const { id } = rig.double.request({
      url: 'http://origin.test/setup.msi',
      kind: 'resource',
      priority: 'foreground',
      overwrite: true,
      allowStale: false
    })
    rig.double.finish(id, Buffer.from('hello'))
    const { code, stdout } = await larder('why', 'setup.msi')
    expect(code).toBe(0)
    expect(stdout).toContain('http://origin.test/setup.msi')
    expect(JSON.parse((await larder('why', id, '--json')).stdout)).toMatchObject({
      about: id,
      downloads: [{ requestId: id, verdict: expect.any(String) }]
    })
    expect((await larder('why', 'nothing-like-it')).code).toBe(errorTable.NOT_FOUND.exit)
  })

  test('events become a table that no spreadsheet runs', async () => {
    const csv = eventsAsCsv([
      { seq: 1, at: 0, type: 'peerRefused', text: '=cmd|calc', peerName: '@evil', bytes: -5 },
      { seq: 2, at: 1, type: 'warning', text: 'a "quoted", text\r\nand more' }
    ])
    const lines = csv.split('\r\n')
    expect(lines[0]).toBe('seq,time,type,text,url,key,requestId,peer,peerName,reason,code,epoch,bytes,ms')
    expect(lines[1]).toBe("1,1970-01-01T00:00:00.000Z,peerRefused,'=cmd|calc,,,,,'@evil,,,,-5,")
    expect(lines[2]).toBe('2,1970-01-01T00:00:00.001Z,warning,"a ""quoted"", text??and more",,,,,,,,,,')
    rig.double.happen('warning', 'through the command')
    expect((await larder('events', '--csv')).stdout).toContain('through the command')
    expect((await larder('events', '--csv', '--json')).code).toBe(errorTable.BAD_REQUEST.exit)
  })
})
