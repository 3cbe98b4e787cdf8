import { createHash, webcrypto, type KeyObject, type X509Certificate } from 'node:crypto'
import { PeerId } from '../../contract/ids.ts'
import { deviceExtensions, P256, x509Library } from './x509-library.ts'

/** Validity that no wrong clock falls out of: a self-signed certificate proves nothing by its dates. */
export const NOT_BEFORE = new Date('2000-01-01T00:00:00Z')
export const NOT_AFTER = new Date('2120-01-01T00:00:00Z')

/** The same for all: a certificate is shown to strangers, so its names say nothing about the PC. */
export const SUBJECT = 'CN=larder'

/** Peer id of a public key: SHA-256 of its SPKI DER, hex. */
export function peerIdOf(spki: Uint8Array): PeerId {
  return createHash('sha256').update(spki).digest('hex') as PeerId
}

/** Public key (SPKI DER) of a device, or undefined when it is not on P-256, the only curve in use. */
export function deviceKey(certificate: X509Certificate): Buffer | undefined {
  try {
    const key = certificate.publicKey
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
      ? key.export({ format: 'der', type: 'spki' })
      : undefined
  } catch {
    return undefined
  }
}

/** Self-signed certificate of a P-256 key (ECDSA with SHA-256), PEM. */
export async function makeCertificate(privateKey: KeyObject, publicKey: KeyObject): Promise<string> {
  const x509 = await x509Library()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: SUBJECT,
      keys: {
        privateKey: privateKey.toCryptoKey(P256, false, ['sign']),
        publicKey: publicKey.toCryptoKey(P256, true, ['verify'])
      },
      signingAlgorithm: P256,
      notBefore: NOT_BEFORE,
      notAfter: NOT_AFTER,
      extensions: deviceExtensions(x509)
    },
    webcrypto
  )
  return `${certificate.toString('pem')}\n`
}
