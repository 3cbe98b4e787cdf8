/**
 * The library that writes certificates, loaded at first use: an agent makes one once in the life of its device. Certificates
 * are read and verified with `node:crypto` alone.
 */
export async function x509Library(): Promise<typeof import('@peculiar/x509')> {
  // Its dependency injection asks for this at import.
  await import('reflect-metadata')
  return import('@peculiar/x509')
}

/** The only kind of key and signature in a fleet: BoringSSL in Electron refuses Ed25519 certificates. */
export const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'

/** What a device's certificate is good for: both ends of connections between peers, and signing nothing else. */
export function deviceExtensions(x509: typeof import('@peculiar/x509')) {
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([SERVER_AUTH, CLIENT_AUTH])
  ]
}
