import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import https from 'node:https'
import net, { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import tls, { type TLSSocket } from 'node:tls'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Settings, type SettingsInput } from '../contract/settings.ts'
import { systemClock } from '../lib/clock.ts'
import { makeClientCa, type ClientCa } from '../testing/client-certificates.ts'
import { makeTestCertificate, type TestCertificate } from '../testing/origin-server-tls.ts'
import type { CertificateWish } from './certificate-choice.ts'
import { createOriginClient } from './origin-client.ts'

const body = Buffer.alloc(50_000, 'x')
let server: TestCertificate
let ca: ClientCa
let otherCa: ClientCa
let dir: string
const ends: (() => unknown)[] = []
beforeAll(async () => {
  server = await makeTestCertificate()
  ca = await makeClientCa('CN=Acme Issuing CA, O=Acme')
  otherCa = await makeClientCa('CN=Other CA')
})
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'larder-mtls-'))
  await writeFile(join(dir, 'server-ca.pem'), server.ca)
})
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
  await rm(dir, { recursive: true, force: true })
})

interface Origin {
  readonly url: string
  /** Common name of the certificate shown with each request; empty without one. */
  readonly shown: string[]
}

/** An origin that demands (or, with `demand` false, only asks for) a certificate of `clientCa`. */
async function startOrigin({
  demand = true,
  maxVersion = 'TLSv1.3' as tls.SecureVersion,
  clientCa = ca,
  redirect = (_path: string | undefined): string | undefined => undefined
} = {}): Promise<Origin> {
  const shown: string[] = []
  const sockets = new Set<Duplex>()
  const listener = https.createServer(
    { key: server.key, cert: server.cert, ca: clientCa.pem, requestCert: true, rejectUnauthorized: demand, maxVersion },
    (request, response) => {
      shown.push(((request.socket as TLSSocket).getPeerCertificate().subject?.CN as string | undefined) ?? '')
      const location = redirect(request.url)
      if (location !== undefined) return void response.writeHead(302, { location }).end()
      const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
      const part = from === undefined ? body : body.subarray(Number(from), to ? Number(to) + 1 : undefined)
      response.writeHead(from === undefined ? 200 : 206, {
        etag: '"1"',
        'content-length': part.length,
        ...(from !== undefined && { 'content-range': `bytes ${from}-${Number(from) + part.length - 1}/${body.length}` })
      })
      response.end(request.method === 'HEAD' ? undefined : part)
    }
  )
  listener.on('connection', (socket) => void sockets.add(socket.on('error', () => {})))
  listener.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  ends.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => listener.close(resolve))
  })
  return { url: `https://127.0.0.1:${(listener.address() as AddressInfo).port}`, shown }
}

async function put(name: string, subject: string, { from = ca, days = 1 } = {}): Promise<string> {
  const { cert, key } = await from.issue(subject, days)
  const path = join(dir, name)
  await writeFile(path, key + cert)
  return path
}

async function download(
  url: string,
  certificate: CertificateWish | undefined,
  settings: SettingsInput['origin'] = {}
): Promise<Buffer> {
  const client = createOriginClient({
    clock: systemClock,
    settings: Settings.parse({ origin: { trustLoopback: true, extraCaFile: join(dir, 'server-ca.pem'), ...settings } })
      .origin,
    env: {},
    userAgent: 'larder/test'
  })
  try {
    const probed = await client.probe(url, { certificate })
    if (probed.status !== 'version') throw new Error('unchanged')
    const chunks: Buffer[] = []
    for await (const chunk of await client.open(probed.version, { start: 0, end: null }, {})) chunks.push(chunk)
    return Buffer.concat(chunks)
  } finally {
    await client.close()
  }
}

describe.each(['TLSv1.3', 'TLSv1.2'] as const)('an origin that demands a client certificate (%s)', (maxVersion) => {
  it('gets the one whose issuer and subject were asked for, in whatever case, from a folder of them', async () => {
    const folder = join(dir, 'certificates')
    await mkdir(folder)
    await put('certificates/a.pem', 'CN=pc-1, O=Acme')
    await put('certificates/b.pem', 'CN=pc-2, O=Acme')
    await put('certificates/c.pem', 'CN=pc-1, O=Acme', { from: otherCa })
    await writeFile(join(folder, 'ca.pem'), ca.pem)
    await writeFile(join(folder, 'readme.txt'), 'no certificate')
    const origin = await startOrigin({ maxVersion })
    const settings = { clientCertificates: [folder] }
    expect(await download(`${origin.url}/f`, { issuer: 'cn=acme issuing ca', subject: 'CN=PC-2' }, settings)).toEqual(
      body
    )
    expect(new Set(origin.shown)).toEqual(new Set(['pc-2']))
    expect(await download(`${origin.url}/f`, { issuer: 'Acme Issuing CA', subject: 'pc-1' }, settings)).toEqual(body)
    expect(origin.shown.at(-1)).toBe('pc-1')
  })

  it('gets it by a rule of the settings for its host', async () => {
    const origin = await startOrigin({ maxVersion })
    const path = await put('x.pem', 'CN=machine')
    expect(
      await download(`${origin.url}/f`, undefined, {
        clientCertificates: [path],
        clientCertificateRules: [{ host: '127.0.0.1', certIssuer: 'O=ACME' }]
      })
    ).toEqual(body)
    expect(new Set(origin.shown)).toEqual(new Set(['machine']))
  })

  it('makes it a clear error when none was shown, or one it does not know', async () => {
    const origin = await startOrigin({ maxVersion })
    await put('x.pem', 'CN=machine', { from: otherCa })
    const code = maxVersion === 'TLSv1.3' ? 'ORIGIN_CLIENT_CERTIFICATE' : 'ORIGIN_TLS'
    await expect(download(`${origin.url}/f`, undefined)).rejects.toMatchObject({
      code,
      message: expect.stringContaining('client certificate')
    })
    // A server on Node says nothing more than that it hangs up.
    await expect(
      download(`${origin.url}/f`, { subject: 'machine' }, { clientCertificates: [join(dir, 'x.pem')] })
    ).rejects.toMatchObject({ code: expect.stringMatching(/^ORIGIN_/) })
    expect(origin.shown).toEqual([])
  })
})

describe('a client certificate', () => {
  it('goes to no other origin: a redirect elsewhere leaves it behind, and so does the way back', async () => {
    const away: { url?: string } = {}
    const first = await startOrigin({ redirect: (path) => (path === '/f' ? `${away.url}/g` : undefined) })
    const second = await startOrigin({
      demand: false,
      redirect: (path) => (path === '/g' ? `${first.url}/h` : undefined)
    })
    away.url = second.url
    const settings = {
      clientCertificates: [await put('x.pem', 'CN=machine')],
      clientCertificateRules: [{ host: '127.0.0.1', certSubject: 'machine' }]
    }
    await expect(download(`${first.url}/f`, { subject: 'machine' }, settings)).rejects.toMatchObject({
      code: 'ORIGIN_CLIENT_CERTIFICATE'
    })
    expect(first.shown).toEqual(['machine'])
    expect(second.shown).toEqual([''])
  })

  it('is not shown to whom nothing says so, though the origin asks', async () => {
    const origin = await startOrigin({ demand: false })
    const settings = {
      clientCertificates: [await put('x.pem', 'CN=machine')],
      clientCertificateRules: [{ host: 'other.test', certSubject: 'machine' }]
    }
    expect(await download(`${origin.url}/f`, undefined, settings)).toEqual(body)
    expect(new Set(origin.shown)).toEqual(new Set(['']))
  })

  it('shares no connection with requests that show none', async () => {
    const origin = await startOrigin({ demand: false })
    const client = createOriginClient({
      clock: systemClock,
      settings: Settings.parse({
        origin: { extraCaFile: join(dir, 'server-ca.pem'), clientCertificates: [await put('x.pem', 'CN=machine')] }
      }).origin,
      env: {},
      userAgent: 'x'
    })
    try {
      await client.probe(`${origin.url}/f`, { certificate: { subject: 'machine' } })
      await client.probe(`${origin.url}/f`, {})
      await client.probe(`${origin.url}/f`, { certificate: { subject: 'machine' } })
    } finally {
      await client.close()
    }
    expect(origin.shown).toEqual(['machine', '', 'machine'])
  })

  it('that is not there, or has expired, is named before anything is asked', async () => {
    const origin = await startOrigin()
    const settings = { clientCertificates: [await put('old.pem', 'CN=old', { days: -1 })] }
    await expect(download(`${origin.url}/f`, { subject: 'nobody' }, settings)).rejects.toMatchObject({
      code: 'ORIGIN_CLIENT_CERTIFICATE',
      message: expect.stringContaining('none is there')
    })
    await expect(download(`${origin.url}/f`, { subject: 'old' }, settings)).rejects.toMatchObject({
      code: 'ORIGIN_CLIENT_CERTIFICATE',
      message: expect.stringContaining('not valid today')
    })
    expect(origin.shown).toEqual([])
  })

  it('is read with its key beside it, and from PFX with its passphrase beside it', async ({ skip }) => {
    const origin = await startOrigin()
    const { cert, key } = await ca.issue('CN=beside')
    await writeFile(join(dir, 'm.crt'), cert)
    await writeFile(join(dir, 'm.key'), key)
    expect(
      await download(`${origin.url}/f`, { subject: 'beside' }, { clientCertificates: [join(dir, 'm.crt')] })
    ).toEqual(body)
    try {
      execFileSync(
        'openssl',
        [
          'pkcs12',
          '-export',
          '-in',
          join(dir, 'm.crt'),
          '-inkey',
          join(dir, 'm.key'),
          '-out',
          join(dir, 'm.pfx'),
          '-passout',
          'pass:geheim'
        ],
        { stdio: 'ignore' }
      )
    } catch {
      skip('no openssl command here to make a PFX with')
    }
    const settings = { clientCertificates: [join(dir, 'm.pfx')] }
    await expect(download(`${origin.url}/f`, { subject: 'beside' }, settings)).rejects.toMatchObject({
      code: 'SETTINGS_INVALID'
    })
    await writeFile(join(dir, 'm.pfx.passphrase'), 'geheim\n')
    expect(await download(`${origin.url}/f`, { subject: 'BESIDE', issuer: 'O=acme' }, settings)).toEqual(body)
    expect(new Set(origin.shown)).toEqual(new Set(['beside']))
  })

  it.each([
    ['is missing', undefined],
    ['is garbage', 'garbage'],
    ['has no key', 'certificate alone'],
    ['has the key of another', 'foreign key']
  ])('whose file %s is an error of the settings', async (_why, content) => {
    const origin = await startOrigin()
    const [one, two] = [await ca.issue('CN=one'), await ca.issue('CN=two')]
    const path = join(dir, 'bad.pem')
    if (content !== undefined)
      await writeFile(
        path,
        content === 'certificate alone' ? one.cert : content === 'foreign key' ? one.cert + two.key : content
      )
    await expect(download(`${origin.url}/f`, { subject: 'one' }, { clientCertificates: [path] })).rejects.toMatchObject(
      { code: 'SETTINGS_INVALID', details: { path } }
    )
  })

  it('goes through a proxy’s tunnel to the origin, and never to a proxy that asks for one', async () => {
    const origin = await startOrigin()
    const asked: string[] = []
    const proxy = https.createServer({
      key: server.key,
      cert: server.cert,
      ca: ca.pem,
      requestCert: true,
      rejectUnauthorized: false
    })
    const sockets = new Set<Duplex>()
    proxy.on('connect', (request, client: Duplex) => {
      asked.push(((client as TLSSocket).getPeerCertificate().subject?.CN as string | undefined) ?? '')
      const [host, port] = request.url!.split(':')
      const upstream = net.connect(Number(port), host!, () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n')
        upstream.pipe(client).pipe(upstream)
      })
      for (const socket of [client, upstream]) {
        socket.on('error', () => {})
        sockets.add(socket)
      }
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    ends.push(() => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => proxy.close(resolve))
    })
    // An https proxy must be known to Node itself; `extraCaFile` is about origins.
    const known = tls.getCACertificates('default')
    tls.setDefaultCACertificates([...known, server.ca])
    ends.push(() => tls.setDefaultCACertificates(known))
    const settings = {
      clientCertificates: [await put('x.pem', 'CN=machine')],
      proxy: `https://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    }
    expect(await download(`${origin.url}/f`, { subject: 'machine' }, settings)).toEqual(body)
    expect(new Set(origin.shown)).toEqual(new Set(['machine']))
    expect(new Set(asked)).toEqual(new Set(['']))
  })
})
