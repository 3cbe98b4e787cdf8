// The X.509 library's dependency injection asks for it at import.
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

export interface TestCertificate {
  readonly key: string
  /** Leaf, then CA. */
  readonly cert: string
  /** The CA to trust. */
  readonly ca: string
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

const HOUR_MS = 3600_000

/** A CA of its own and a certificate by it for 127.0.0.1 and localhost, valid for a day unless told otherwise (ms from now). */
export async function makeTestCertificate(
  leafValid: { fromMs: number; toMs: number } = { fromMs: -HOUR_MS, toMs: 24 * HOUR_MS }
): Promise<TestCertificate> {
  const crypto = webcrypto
  x509.cryptoProvider.set(crypto as Parameters<typeof x509.CryptoProvider.prototype.set>[0] & webcrypto.Crypto)
  const after = (ms: number) => new Date(Date.now() + ms)
  const caKeys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  const keys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=Larder test CA ${Date.now()}`,
    keys: caKeys,
    notBefore: after(-48 * HOUR_MS),
    notAfter: after(48 * HOUR_MS),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true)
    ]
  })
  const leaf = await x509.X509CertificateGenerator.create({
    subject: 'CN=localhost',
    issuer: ca.subject,
    publicKey: keys.publicKey,
    signingKey: caKeys.privateKey,
    notBefore: after(leafValid.fromMs),
    notAfter: after(leafValid.toMs),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.SubjectAlternativeNameExtension([
        { type: 'ip', value: '127.0.0.1' },
        { type: 'dns', value: 'localhost' }
      ])
    ]
  })
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey))
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`
  return { key, cert: `${leaf.toString('pem')}\n${ca.toString('pem')}\n`, ca: `${ca.toString('pem')}\n` }
}
