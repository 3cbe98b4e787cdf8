import { X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { LarderError } from '../lib/errors.ts'
import { defaultCas } from './old-nodes.ts'

const READ_SYSTEM_CAS = `
  require('node:worker_threads').parentPort.postMessage(require('node:tls').getCACertificates('system'))
`
const MAX_CA_FILE_BYTES = 4 * 1024 * 1024

/**
 * Whom to believe about origins: the CAs that come with Node, the operating system's, and the company's, PEM.
 * @param system what {@link systemCas} has read
 * @throws SETTINGS_INVALID when `extraCaFile` cannot be used
 */
export function trustedCas(extraCaFile: string | null, system: readonly string[]): string[] {
  const ca = new Set([...defaultCas(), ...system])
  if (extraCaFile !== null) for (const certificate of readCertificates(extraCaFile)) ca.add(certificate)
  return [...ca]
}

let read: Promise<readonly string[]> | undefined

/** What {@link readSystemCas} says, asked once in a process. */
export function systemCas(): Promise<readonly string[]> {
  return (read ??= readSystemCas())
}

/**
 * The operating system's CAs, read beside the event loop: on a managed Mac it takes longer than a master may be silent
 * (nodejs/node#63313). A store that cannot be read, or a thread that cannot be had, must not take the others along.
 */
export async function readSystemCas(
  begin = (): Worker => new Worker(READ_SYSTEM_CAS, { eval: true })
): Promise<readonly string[]> {
  try {
    const reader = begin()
    return await new Promise((resolve, reject) => {
      reader.once('message', resolve)
      reader.once('error', reject)
      reader.once('exit', () => resolve([]))
    })
  } catch {
    return []
  }
}

function readCertificates(path: string): string[] {
  const invalid = (why: string, cause?: unknown) =>
    new LarderError('SETTINGS_INVALID', `The file of setting origin.extraCaFile ${why}.`, {
      setting: 'origin.extraCaFile',
      path,
      cause
    })
  let text: string
  try {
    if (statSync(path).size > MAX_CA_FILE_BYTES) throw invalid('is larger than 4 MiB')
    text = readFileSync(path, 'latin1')
  } catch (thrown) {
    throw thrown instanceof LarderError ? thrown : invalid('cannot be read', thrown)
  }
  const certificates = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)
  if (!certificates) throw invalid('contains no PEM certificate')
  try {
    // A secure context takes a damaged certificate in silence; this does not.
    certificates.forEach((certificate) => new X509Certificate(certificate).fingerprint256)
  } catch (cause) {
    throw invalid('contains a certificate that cannot be read', cause)
  }
  return certificates
}
