// The X.509 library's dependency injection asks for it at import.
import 'reflect-metadata'
import { KeyObject, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const newKeys = () =>
  webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>

/** A CA that issues client certificates, as a company has it. */
export interface ClientCa {
  readonly pem: string
  issue(subject: string, days?: number): Promise<{ cert: string; key: string }>
}

export async function makeClientCa(name: string): Promise<ClientCa> {
  const caKeys = await newKeys()
  const notBefore = new Date(Date.now() - 30 * 24 * 3600_000)
  const ca = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name,
      keys: caKeys,
      notBefore,
      notAfter: new Date(Date.now() + 30 * 24 * 3600_000),
      signingAlgorithm: algorithm,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true)
      ]
    },
    webcrypto
  )
  return {
    pem: `${ca.toString('pem')}\n`,
    async issue(subject, days = 1) {
      const keys = await newKeys()
      const certificate = await x509.X509CertificateGenerator.create(
        {
          subject,
          issuer: ca.subject,
          publicKey: keys.publicKey,
          signingKey: caKeys.privateKey,
          notBefore,
          notAfter: new Date(Date.now() + days * 24 * 3600_000),
          signingAlgorithm: algorithm,
          extensions: [
            new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
            new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.2'])
          ]
        },
        webcrypto
      )
      return {
        cert: `${certificate.toString('pem')}\n`,
        key: KeyObject.from(keys.privateKey).export({ format: 'pem', type: 'pkcs8' }) as string
      }
    }
  }
}
