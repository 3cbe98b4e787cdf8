import {
  createPrivateKey,
  createPublicKey,
  randomBytes,
  verify,
  webcrypto,
  type KeyObject,
  type X509Certificate
} from 'node:crypto'
import { LarderError } from '../../lib/errors.ts'
import { NOT_AFTER, NOT_BEFORE, SUBJECT } from './certificate.ts'
import { deviceExtensions, P256, x509Library } from './x509-library.ts'

/** The same for all fleets: certificates are shown to strangers. */
const CA_SUBJECT = 'CN=larder fleet'
/** Longest certificate request that is read, characters of PEM. */
export const MAX_REQUEST_CHARACTERS = 4096
const MAX_NAME = 64
/** The CA's clock may be ahead of the members' by this much without anybody noticing. */
const BACKDATED_MS = 3600_000
/**
 * A certificate is still taken this long after its end. A clock that is wrong by hours, even days, must lock nobody out; who
 * has left the fleet is kept out by the deny list, not by dates.
 */
export const EXPIRY_GRACE_MS = 3 * 24 * 3600_000

/** The CA's own certificate, self-signed, PEM. It does not expire: a CA ends by making a new one and enrolling again. */
export async function makeCaCertificate(key: KeyObject): Promise<string> {
  const x509 = await x509Library()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: CA_SUBJECT,
      keys: {
        privateKey: key.toCryptoKey(P256, false, ['sign']),
        publicKey: createPublicKey(key).toCryptoKey(P256, true, ['verify'])
      },
      signingAlgorithm: P256,
      notBefore: NOT_BEFORE,
      notAfter: NOT_AFTER,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true)
      ]
    },
    webcrypto
  )
  return `${certificate.toString('pem')}\n`
}

/** A PKCS #10 request of a device for a certificate, PEM. `name` is for the people at the CA and does not get into the certificate. */
export async function makeRequest(keyPem: string, name: string): Promise<string> {
  const x509 = await x509Library()
  const key = createPrivateKey(keyPem)
  const request = await x509.Pkcs10CertificateRequestGenerator.create(
    {
      name: [{ CN: [presentable(name) || 'unnamed'] }],
      keys: {
        privateKey: key.toCryptoKey(P256, false, ['sign']),
        publicKey: createPublicKey(key).toCryptoKey(P256, true, ['verify'])
      },
      signingAlgorithm: P256
    },
    webcrypto
  )
  return `${request.toString('pem')}\n`
}

/**
 * Reads a request and checks that whoever made it holds the key.
 * @throws FLEET_INVALID
 */
export async function readRequest(pem: string): Promise<{ spki: Buffer; name: string }> {
  const invalid = (why: string, cause?: unknown) => new LarderError('FLEET_INVALID', `The request ${why}`, { cause })
  if (pem.length > MAX_REQUEST_CHARACTERS) throw invalid(`is longer than ${MAX_REQUEST_CHARACTERS} characters`)
  const x509 = await x509Library()
  try {
    const request = new x509.Pkcs10CertificateRequest(pem)
    const spki = Buffer.from(request.publicKey.rawData)
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' })
    if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw invalid('is for a key that is not on P-256')
    if (!(await request.verify(webcrypto))) throw invalid('was not signed with its own key')
    return { spki, name: presentable(request.subjectName.getField('CN')[0] ?? '') }
  } catch (error) {
    throw error instanceof LarderError ? error : invalid('is not a certificate request (PKCS #10, PEM)', error)
  }
}

export interface Issue {
  readonly spki: Uint8Array
  readonly caKey: KeyObject
  readonly nowMs: number
  readonly lifetimeMs: number
}

/** A member's certificate, PEM. */
export async function issueCertificate({ spki, caKey, nowMs, lifetimeMs }: Issue): Promise<string> {
  const x509 = await x509Library()
  const publicKey = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject: SUBJECT,
      issuer: CA_SUBJECT,
      // Positive and of full length: the first bits are 01.
      serialNumber: Buffer.concat([Buffer.from([0x40 | (randomBytes(1)[0]! & 0x3f)]), randomBytes(15)]).toString('hex'),
      publicKey: publicKey.toCryptoKey(P256, true, ['verify']),
      signingKey: caKey.toCryptoKey(P256, false, ['sign']),
      signingAlgorithm: P256,
      notBefore: new Date(nowMs - BACKDATED_MS),
      notAfter: new Date(nowMs + lifetimeMs),
      extensions: deviceExtensions(x509)
    },
    webcrypto
  )
  return `${certificate.toString('pem')}\n`
}

/** True when this CA signed this certificate, and as a member's. Says nothing about dates. */
export function issuedBy(ca: X509Certificate, certificate: X509Certificate): boolean {
  try {
    return !certificate.ca && certificate.checkIssued(ca) && certificate.verify(ca.publicKey)
  } catch {
    return false
  }
}

/** End of a certificate's validity, ms since 1970. */
export function expiresAtMs(certificate: X509Certificate): number {
  return Date.parse(certificate.validTo)
}

/** By this clock: past its end and the grace after it? Its beginning decides nothing; only a wrong clock can lie before it. */
export function isExpired(certificate: X509Certificate, wallMs: number): boolean {
  return !(wallMs <= expiresAtMs(certificate) + EXPIRY_GRACE_MS)
}

/** ECDSA P-256 with SHA-256 in IEEE P1363 form. */
export function signatureHolds(publicKey: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verify('sha256', message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)
  } catch {
    return false
  }
}

function presentable(name: string): string {
  return [...name.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '')].slice(0, MAX_NAME).join('')
}
