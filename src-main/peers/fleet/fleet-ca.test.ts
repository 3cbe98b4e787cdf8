import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hasCode, type LarderError } from '../../lib/errors.ts'
import { CaFleetRig } from '../../testing/ca-fleet-rig.ts'
import { fakeClock, type FakeClock } from '../../testing/fake-clock.ts'
import { acceptEnrolment, parseFleetFile } from './enrolment.ts'
import { describeCa, FleetCa } from './fleet-ca.ts'
import { EXPIRY_GRACE_MS, isExpired, makeRequest, readRequest } from './fleet-certificate.ts'
import { openKey, sealKey } from './sealed-key.ts'

const DAY_MS = 24 * 3600_000
const coded = (...codes: LarderError['code'][]) => expect.toSatisfy((error: unknown) => hasCode(error, ...codes))

describe('the fleet CA', () => {
  let rig: CaFleetRig
  let clock: FakeClock
  beforeEach(async () => {
    clock = fakeClock()
    rig = await CaFleetRig.open(clock)
  })
  afterEach(() => rig.close())

  it('keeps its key, register and certificate for its holder alone', async ({ skip }) => {
    skip(process.platform === 'win32', 'Windows has no file modes')
    const before = process.umask(0)
    try {
      const other = join(rig.dir, 'other')
      await FleetCa.create(other, { clock })
      expect((await stat(other)).mode & 0o777).toBe(0o700)
      expect((await readdir(other)).sort()).toEqual(['ca-key.json', 'ca.pem', 'register.json'])
      for (const name of await readdir(other))
        expect.soft((await stat(join(other, name))).mode & 0o777, name).toBe(0o600)
      const device = await rig.enrol('anna')
      for (const name of await readdir(join(device.dir, 'fleet')))
        expect.soft((await stat(join(device.dir, 'fleet', name))).mode & 0o777, name).toBe(0o600)
    } finally {
      process.umask(before)
    }
  })

  it('is never made over another one', async () => {
    const key = await readFile(join(rig.dir, 'ca', 'ca-key.json'))
    await expect(FleetCa.create(join(rig.dir, 'ca'), { clock })).rejects.toEqual(coded('FLEET_CA_UNUSABLE'))
    expect(await readFile(join(rig.dir, 'ca', 'ca-key.json'))).toEqual(key)
  })

  it('signs what a device asks for, under names that say nothing about the PC', async () => {
    const device = await rig.device()
    const { file, member } = await rig.ca.sign(await makeRequest(device.identity.keyPem, 'anna-laptop'), {
      lifetimeMs: 90 * DAY_MS
    })
    const { enrolment } = acceptEnrolment(file, device.identity.spki)
    expect(enrolment.certificate.subject).toBe('CN=larder')
    expect(enrolment.certificate.issuer).toBe('CN=larder fleet')
    expect(enrolment.certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1')
    expect(enrolment.certificate.verify(enrolment.ca.publicKey)).toBe(true)
    expect(Buffer.from(enrolment.certificate.raw).includes('anna')).toBe(false)
    expect(member).toMatchObject({
      peer: device.identity.id,
      name: 'anna-laptop',
      deniedAt: null,
      expiresAt: clock.wallMs() + 90 * DAY_MS
    })
    expect((await describeCa(join(rig.dir, 'ca')))?.members).toEqual([member])
  })

  it('signs no request that another one than the holder of the key made, and nothing that is no request', async () => {
    const device = await rig.device()
    const request = await makeRequest(device.identity.keyPem, 'x')
    const der = Buffer.from(request.replace(/-----.*-----|\s/g, ''), 'base64')
    der[der.length - 5]! ^= 1
    const bent = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
    const rsa = generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey.export({
      format: 'pem',
      type: 'pkcs8'
    }) as string
    for (const bad of [bent, '', 'x'.repeat(5000), device.identity.certificatePem])
      await expect.soft(rig.ca.sign(bad, { lifetimeMs: DAY_MS })).rejects.toEqual(coded('FLEET_INVALID'))
    await expect(makeRequest(rsa, 'x').then((text) => rig.ca.sign(text, { lifetimeMs: DAY_MS }))).rejects.toThrow()
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 200 }), async (text) => {
        await expect(readRequest(text)).rejects.toEqual(coded('FLEET_INVALID'))
      }),
      { numRuns: 50 }
    )
  })

  it('gives an answer that only the device it is for takes', async () => {
    const [anna, bert] = [await rig.device(), await rig.device()]
    const { file } = await rig.ca.sign(await makeRequest(anna.identity.keyPem, 'anna'), { lifetimeMs: DAY_MS })
    expect(() => acceptEnrolment(file, bert.identity.spki)).toThrow(expect.objectContaining({ code: 'FLEET_INVALID' }))
    const other = await FleetCa.create(join(rig.dir, 'other'), { clock })
    const foreign = (await other.sign(await makeRequest(anna.identity.keyPem, 'anna'), { lifetimeMs: DAY_MS })).file
    expect(() => acceptEnrolment({ ...file, certificate: foreign.certificate }, anna.identity.spki)).toThrow(
      expect.objectContaining({ code: 'FLEET_INVALID' })
    )
    await other.revoke(['anna'], { undo: false })
    const withList = (await rig.ca.revoke(['anna'], { undo: false })).denyList
    expect(
      acceptEnrolment({ ...file, denyList: withList.bytes.toString('base64url') }, anna.identity.spki).denyList?.number
    ).toBe(1)
    expect(() =>
      acceptEnrolment({ ...file, denyList: other.denyList().bytes.toString('base64url') }, anna.identity.spki)
    ).toThrow(expect.objectContaining({ code: 'FLEET_INVALID' }))
    fc.assert(
      fc.property(
        fc.string(),
        (text) =>
          void expect(() => parseFleetFile(text, 'x')).toThrow(expect.objectContaining({ code: 'FLEET_INVALID' }))
      )
    )
  })

  it('removes devices by name or id, numbers each list, and takes them back', async () => {
    const [anna, bert] = [await rig.enrol('anna'), await rig.enrol('bert')]
    const first = await rig.ca.revoke(['anna', bert.identity.id.slice(0, 10)], { undo: false })
    expect([...first.denyList.denied].sort()).toEqual([anna.identity.id, bert.identity.id].sort())
    await expect(rig.enrol('anna', { device: anna })).rejects.toEqual(coded('FLEET_INVALID'))
    const second = await rig.ca.revoke(['anna'], { undo: true })
    expect(second.denyList.number).toBe(first.denyList.number + 1)
    expect([...second.denyList.denied]).toEqual([bert.identity.id])
    await rig.enrol('anna', { device: anna })
    await expect(rig.ca.revoke(['nobody'], { undo: false })).rejects.toEqual(coded('NOT_FOUND'))
    const namesake = await rig.enrol('bert')
    const candidates = `${bert.identity.id} ${namesake.identity.id}`
    await expect(rig.ca.revoke(['bert'], { undo: false })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: expect.stringContaining(`bert (${namesake.identity.id.slice(0, 12)})`),
      details: { candidates }
    })
    expect(
      (await rig.ca.revoke([namesake.identity.id.slice(0, 12).toUpperCase()], { undo: false })).members[0]!.peer
    ).toBe(namesake.identity.id)
    expect((await rig.ca.revoke([bert.identity.id], { undo: false })).members[0]!.peer).toBe(bert.identity.id)
  })

  it('is the same after it is opened again', async () => {
    const anna = await rig.enrol('anna')
    await rig.ca.revoke(['anna'], { undo: false })
    const again = await FleetCa.open(join(rig.dir, 'ca'), { clock })
    expect(again.denyList().denied).toEqual(new Set([anna.identity.id]))
    expect(again.certificate.fingerprint256).toBe(rig.ca.certificate.fingerprint256)
  })

  it('says which file is damaged or missing', async () => {
    const path = join(rig.dir, 'ca', 'register.json')
    await writeFile(path, '{"v":1}')
    await expect(FleetCa.open(join(rig.dir, 'ca'), { clock })).rejects.toThrow(
      expect.objectContaining({ code: 'FLEET_CA_UNUSABLE', message: expect.stringContaining('register.json') })
    )
    await expect(FleetCa.open(join(rig.dir, 'none'), { clock })).rejects.toEqual(coded('FLEET_CA_UNUSABLE'))
    expect(await describeCa(join(rig.dir, 'none'))).toBeUndefined()
  })
})

describe('the key of the CA', () => {
  const key = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey

  it('lies under its passphrase', async () => {
    const sealed = await sealKey(key, 'correct horse battery')
    expect(sealed.sealed).toBe(true)
    expect(() =>
      createPrivateKey({ key: Buffer.from(sealed.pkcs8, 'base64url'), format: 'der', type: 'pkcs8' })
    ).toThrow()
    expect((await openKey(sealed, 'correct horse battery')).equals(key)).toBe(true)
    await expect(openKey(sealed, 'correct horse bakery!')).rejects.toEqual(coded('FLEET_CA_UNUSABLE'))
    await expect(openKey(sealed, undefined)).rejects.toEqual(coded('FLEET_CA_UNUSABLE'))
  }, 120_000)

  it('takes no short passphrase, and none where none was given', async () => {
    await expect(sealKey(key, 'short')).rejects.toEqual(coded('FLEET_CA_UNUSABLE'))
    expect((await openKey(await sealKey(key, undefined), undefined)).equals(key)).toBe(true)
  })
})

describe('the dates of a certificate', () => {
  it('lock out nobody whose clock is wrong by days, and end at last', async () => {
    const clock = fakeClock()
    const rig = await CaFleetRig.open(clock)
    try {
      const { identity } = await rig.device()
      const { file } = await rig.ca.sign(await makeRequest(identity.keyPem, 'x'), { lifetimeMs: DAY_MS })
      const certificate = new X509Certificate(file.certificate)
      const now = clock.wallMs()
      expect(isExpired(certificate, now - 50 * 365 * DAY_MS)).toBe(false)
      expect(isExpired(certificate, now + DAY_MS + EXPIRY_GRACE_MS - 1000)).toBe(false)
      expect(isExpired(certificate, now + DAY_MS + EXPIRY_GRACE_MS + 1000)).toBe(true)
      expect(isExpired(certificate, NaN)).toBe(true)
    } finally {
      await rig.close()
    }
  })
})
