import { createHash, createPublicKey, verify, X509Certificate } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile, chmod } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fakeClock } from '../../testing/fake-clock.ts'
import { keptLog, type KeptLog } from '../../testing/kept-log.ts'
import { loadIdentity } from './identity.ts'

describe('the device identity', () => {
  let dir: string
  let log: KeptLog
  const path = () => join(dir, 'identity.pem')
  const load = () => loadIdentity(dir, { clock: fakeClock(), log })
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'larder-identity-'))
    log = keptLog()
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  it('is made once and kept in a file for this user alone', async () => {
    const first = await load()
    const again = await load()
    expect(again.id).toBe(first.id)
    expect(again.certificatePem).toBe(first.certificatePem)
    expect(first.id).toBe(createHash('sha256').update(first.spki).digest('hex'))
    if (process.platform !== 'win32') expect((await stat(path())).mode & 0o777).toBe(0o600)
    expect(await readdir(dir)).toEqual(['identity.pem'])
    expect(log.lines).toEqual([])
  })

  it('signs so that its public key verifies it', async () => {
    const { sign, spki } = await load()
    const message = Buffer.from('piece')
    const signature = sign(message)
    expect(signature).toHaveLength(64)
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' })
    expect(verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true)
    expect(verify('sha256', Buffer.from('other'), { key, dsaEncoding: 'ieee-p1363' }, signature)).toBe(false)
  })

  it('has a certificate that no wrong clock invalidates and that says nothing about the PC', async () => {
    const certificate = new X509Certificate((await load()).certificatePem)
    expect(certificate.subject).toBe('CN=larder')
    expect(new Date(certificate.validFrom).getUTCFullYear()).toBeLessThanOrEqual(2000)
    expect(new Date(certificate.validTo).getUTCFullYear()).toBeGreaterThan(2100)
    expect(certificate.verify(certificate.publicKey)).toBe(true)
    expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1')
    expect(certificate.ca).toBe(false)
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'])
  })

  it.each([
    ['empty', () => Buffer.alloc(0)],
    ['cut', (good: Buffer) => good.subarray(0, 100)],
    ['garbage', () => Buffer.from('not a key at all')],
    ['endless', () => Buffer.alloc(200_000, 0x41)]
  ])('is made again, with a warning, when its file is %s, which is set aside', async (_name, damage) => {
    const first = await load()
    const damaged = damage(await readFile(path()))
    await writeFile(path(), damaged)
    const second = await load()
    expect(second.id).not.toBe(first.id)
    const aside = (await readdir(dir)).filter((name) => name.startsWith('identity.pem.damaged-'))
    expect(aside).toHaveLength(1)
    expect(await readFile(join(dir, aside[0]!))).toEqual(damaged)
    expect(log.lines.map((l) => l.level)).toEqual(['warn'])
    expect((await load()).id).toBe(second.id)
  })

  it('keeps its key when only the certificate is damaged or belongs to another key', async () => {
    const first = await load()
    const own = await readFile(path(), 'latin1')
    await writeFile(path(), own.slice(0, own.indexOf('-----BEGIN CERTIFICATE') + 60))
    expect((await load()).id).toBe(first.id)
    const otherDir = await mkdtemp(join(dir, 'other-'))
    const other = await loadIdentity(otherDir, { clock: fakeClock(), log })
    await writeFile(path(), first.keyPem + other.certificatePem)
    const mended = await load()
    expect(mended.id).toBe(first.id)
    expect(new X509Certificate(mended.certificatePem).publicKey.export({ format: 'der', type: 'spki' })).toEqual(
      first.spki
    )
  })

  it('closes a file that others could read', async ({ skip }) => {
    skip(process.platform === 'win32', 'Windows has no file modes')
    await load()
    await chmod(path(), 0o644)
    await load()
    expect((await stat(path())).mode & 0o777).toBe(0o600)
  })
})
