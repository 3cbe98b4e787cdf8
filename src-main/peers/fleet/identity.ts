import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  X509Certificate,
  type KeyObject
} from 'node:crypto'
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { PeerId } from '../../contract/ids.ts'
import type { Clock } from '../../lib/clock.ts'
import { p1363FromDer } from '../../lib/ecdsa-form.ts'
import { LarderError } from '../../lib/errors.ts'
import { readPrivateFile, writePrivateFile } from '../../lib/private-file.ts'
import { deviceKey, makeCertificate, peerIdOf } from './certificate.ts'
import type { Log } from '../network.ts'

/** Who this device is between peers. The private key never leaves this object but into TLS. */
export interface Identity {
  readonly id: PeerId
  /** Public key, SPKI DER. */
  readonly spki: Buffer
  readonly keyPem: string
  readonly certificatePem: string
  /** SHA-256 of the certificate's DER. */
  readonly certificateSha256: Buffer
  /** ECDSA P-256 with SHA-256, IEEE P1363 form, 64 bytes. */
  sign(message: Uint8Array): Buffer
}

/** Largest `identity.pem` that is read. */
const MAX_FILE_BYTES = 64 * 1024

/**
 * Reads `identity.pem` (private key in PKCS #8, then the certificate) in `dataDir`, or makes it. A damaged file is set
 * aside as `identity.pem.damaged-<ms>` and the device gets a new identity; a damaged certificate beside a good key is made again.
 * @throws INTERNAL when the folder cannot be read or written
 */
export async function loadIdentity(dataDir: string, { clock, log }: { clock: Clock; log: Log }): Promise<Identity> {
  const path = join(dataDir, 'identity.pem')
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const text = await read(path)
  if (text !== undefined) {
    const key = readKey(text)
    if (key) {
      const certificate = readCertificate(text, key)
      if (certificate) return identityOf(key, certificate)
      log.warn({ path }, 'The certificate in the identity file was damaged; it was made again for the same key.')
      return await store(path, key)
    }
    const aside = `${path}.damaged-${Math.round(clock.wallMs())}`
    await rename(path, aside)
    log.warn({ path, aside }, 'The identity file was damaged and set aside; this PC has a new identity between peers.')
  }
  return await store(path, generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey)
}

/** @returns the text; empty, hence damaged, when it is too long for an identity; undefined when there is none */
async function read(path: string): Promise<string | undefined> {
  try {
    return (await readPrivateFile(path, MAX_FILE_BYTES))?.toString('latin1')
  } catch (error) {
    if (error instanceof RangeError) return ''
    throw new LarderError('INTERNAL', `The identity file ${path} cannot be read: ${(error as Error).message}`, {
      cause: error
    })
  }
}

function readKey(text: string): KeyObject | undefined {
  try {
    const key = createPrivateKey(text)
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined
  } catch {
    return undefined
  }
}

function readCertificate(text: string, key: KeyObject): X509Certificate | undefined {
  const block = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(text)
  try {
    const certificate = block ? new X509Certificate(block[0]) : undefined
    return certificate?.checkPrivateKey(key) ? certificate : undefined
  } catch {
    return undefined
  }
}

async function store(path: string, key: KeyObject): Promise<Identity> {
  const certificatePem = await makeCertificate(key, createPublicKey(key))
  const keyPem = key.export({ format: 'pem', type: 'pkcs8' }) as string
  try {
    await writePrivateFile(path, keyPem + certificatePem)
  } catch (error) {
    throw new LarderError('INTERNAL', `The identity file ${path} cannot be written: ${(error as Error).message}`, {
      cause: error
    })
  }
  return identityOf(key, new X509Certificate(certificatePem))
}

function identityOf(key: KeyObject, certificate: X509Certificate): Identity {
  const spki = deviceKey(certificate)
  if (!spki) throw new LarderError('INTERNAL', 'The device certificate has no P-256 key')
  return {
    id: peerIdOf(spki),
    spki,
    keyPem: key.export({ format: 'pem', type: 'pkcs8' }) as string,
    certificatePem: certificate.toString(),
    certificateSha256: createHash('sha256').update(certificate.raw).digest(),
    sign: (message) => p1363FromDer(sign('sha256', message, key))
  }
}
