import { createHash, webcrypto, type KeyObject, type X509Certificate } from 'node:crypto'
import { PeerId } from '../contract/ids.ts'
import { provideReflectMetadata } from './reflect-metadata.ts'

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'

/**
 * Validity that no wrong clock falls out of. Who may take part is decided by the proof of membership, never by dates.
 */
const NOT_BEFORE = new Date('2000-01-01T00:00:00Z')
const NOT_AFTER = new Date('2120-01-01T00:00:00Z')

/** The same for all: a certificate is shown to strangers, so its names say nothing about the PC. */
const SUBJECT = 'CN=larder'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** Peer id of a public key: SHA-256 of its SPKI DER, hex. */
export function peerIdOf(spki: Uint8Array): PeerId {
  return createHash('sha256').update(spki).digest('hex') as PeerId
}

/** Public key (SPKI DER) of a device, or undefined when it is not on P-256, the only curve in use. */
export function deviceKey(certificate: X509Certificate): Buffer | undefined {
  try {
    const key = certificate.publicKey
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key.export({ format: 'der', type: 'spki' }) : undefined
  } catch {
    return undefined
  }
}

/**
 * Self-signed certificate of a P-256 key (ECDSA with SHA-256), PEM. Loads its library only when one is made, which is
 * once in the life of a device.
 */
export async function makeCertificate(privateKey: KeyObject, publicKey: KeyObject): Promise<string> {
  provideReflectMetadata()
  const x509 = await import('@peculiar/x509')
  const keys = {
    privateKey: privateKey.toCryptoKey(algorithm, false, ['sign']),
    publicKey: publicKey.toCryptoKey(algorithm, true, ['verify'])
  }
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: SUBJECT,
      keys,
      signingAlgorithm: algorithm,
      notBefore: NOT_BEFORE,
      notAfter: NOT_AFTER,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([SERVER_AUTH, CLIENT_AUTH])
      ]
    },
    webcrypto
  )
  return `${certificate.toString('pem')}\n`
}
