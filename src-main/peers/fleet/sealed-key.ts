import { createCipheriv, createDecipheriv, createPrivateKey, randomBytes, scrypt, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { z } from 'zod'
import { LarderError } from '../../lib/errors.ts'

/** Shortest passphrase taken for a new CA. */
export const MIN_PASSPHRASE = 12

/** scrypt at 128 MiB and about half a second: the file may be stolen and its passphrase guessed at leisure. */
const COST = { N: 2 ** 17, r: 8, p: 1, maxmem: 192 * 1024 * 1024 }
const derive = promisify<string, Uint8Array, number, object, Buffer>(scrypt)

const base64 = z
  .string()
  .max(1024)
  .regex(/^[A-Za-z0-9_-]+$/)

/** A private key as it lies on disk: plain for this user alone, or under a passphrase (scrypt, AES-256-GCM). */
export const KeyFile = z.discriminatedUnion('sealed', [
  z.object({ v: z.literal(1), sealed: z.literal(false), pkcs8: base64 }),
  z.object({ v: z.literal(1), sealed: z.literal(true), salt: base64, iv: base64, tag: base64, pkcs8: base64 })
])
export type KeyFile = z.infer<typeof KeyFile>

/** @throws FLEET_CA_UNUSABLE when the passphrase is too short */
export async function sealKey(key: KeyObject, passphrase: string | undefined): Promise<KeyFile> {
  const pkcs8 = key.export({ format: 'der', type: 'pkcs8' })
  if (passphrase === undefined) return { v: 1, sealed: false, pkcs8: pkcs8.toString('base64url') }
  if (passphrase.length < MIN_PASSPHRASE)
    throw new LarderError('FLEET_CA_UNUSABLE', `The passphrase has fewer than ${MIN_PASSPHRASE} characters`)
  const [salt, iv] = [randomBytes(16), randomBytes(12)]
  const cipher = createCipheriv('aes-256-gcm', await derive(passphrase.normalize('NFC'), salt, 32, COST), iv)
  const sealed = Buffer.concat([cipher.update(pkcs8), cipher.final()])
  return {
    v: 1,
    sealed: true,
    salt: salt.toString('base64url'),
    iv: iv.toString('base64url'),
    tag: cipher.getAuthTag().toString('base64url'),
    pkcs8: sealed.toString('base64url')
  }
}

/** @throws FLEET_CA_UNUSABLE when the passphrase is missing or wrong, or the file is damaged */
export async function openKey(file: KeyFile, passphrase: string | undefined): Promise<KeyObject> {
  const bytes = (text: string) => Buffer.from(text, 'base64url')
  let pkcs8 = bytes(file.pkcs8)
  if (file.sealed) {
    if (passphrase === undefined)
      throw new LarderError('FLEET_CA_UNUSABLE', 'The key of the fleet CA is under a passphrase, and none was given')
    const decipher = createDecipheriv(
      'aes-256-gcm',
      await derive(passphrase.normalize('NFC'), bytes(file.salt), 32, COST),
      bytes(file.iv),
      { authTagLength: 16 }
    )
    try {
      pkcs8 = Buffer.concat([decipher.setAuthTag(bytes(file.tag)).update(pkcs8), decipher.final()])
    } catch (cause) {
      throw new LarderError('FLEET_CA_UNUSABLE', 'The passphrase of the fleet CA is wrong', { cause })
    }
  }
  try {
    return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
  } catch (cause) {
    throw new LarderError('FLEET_CA_UNUSABLE', 'The key of the fleet CA is damaged', { cause })
  }
}
