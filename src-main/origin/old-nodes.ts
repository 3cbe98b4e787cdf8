import { readFileSync } from 'node:fs'
import tls from 'node:tls'
import { LarderError } from '../lib/errors.ts'

// The client library runs on Node 20 too; what that lacks for origins is made up for here, or refused with a reason.

/**
 * The CAs that come with Node, with those of NODE_EXTRA_CA_CERTS. Node names them itself from 22.15 on.
 * @throws what reading that file throws
 */
export function defaultCas(
  own: typeof tls.getCACertificates | null = tls.getCACertificates,
  extraFile = process.env['NODE_EXTRA_CA_CERTS']
): readonly string[] {
  if (own) return own('default')
  const extra = extraFile ? readFileSync(extraFile, 'latin1') : ''
  return [...tls.rootCertificates, ...(extra.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [])]
}

/**
 * Options that send an agent of `node:http` through a proxy. A Node that does not know them would go past the proxy without a word.
 * @throws ORIGIN_UNREACHABLE
 */
export function throughProxy(
  proxy: string,
  node = process.versions.node
): { readonly proxyEnv: Readonly<Record<'HTTP_PROXY' | 'HTTPS_PROXY', string>> } {
  if (!knowsProxies(node))
    throw new LarderError(
      'ORIGIN_UNREACHABLE',
      `A direct download through a proxy needs Node 22.21, 24.5 or newer; this program runs on Node ${node}.`
    )
  return { proxyEnv: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } }
}

function knowsProxies(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 24 || (major === 24 && minor >= 5) || (major === 22 && minor >= 21)
}
