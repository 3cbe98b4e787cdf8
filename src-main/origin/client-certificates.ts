// Why it is like this: docs/decisions/0033-client-certificates.md
import { X509Certificate } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import tls from 'node:tls'
import { readBoundedFile } from '../lib/bounded-file.ts'
import type { Clock } from '../lib/clock.ts'
import { LarderError, systemCode } from '../lib/errors.ts'
import {
  chooseCertificate,
  type Candidate,
  type CertificateWish,
  type DistinguishedName
} from './certificate-choice.ts'

const MAX_FILE_BYTES = 256 * 1024
const MAX_FILES = 256
/** Renewed files are seen after this long. */
const READ_AGAIN_MS = 60_000

/** A certificate of this PC with its key, ready for TLS. */
export interface ClientCertificate extends Candidate {
  /** SHA-256 of the certificate; connections made with one are never used for another. */
  readonly fingerprint: string
  /** Where it came from. */
  readonly place: string
  readonly tls: Pick<tls.SecureContextOptions, 'pfx' | 'cert' | 'key' | 'passphrase'>
}

/**
 * Client certificates from files: PEM (certificate and key in one file, or the key beside it as `name.key`) and PFX (PKCS #12). A
 * passphrase lies beside the file as `name.ext.passphrase`. Certificates whose key only the operating system holds (Windows
 * store, macOS keychain, smart cards) cannot be read by Node.
 */
export class ClientCertificates {
  readonly #places: readonly string[]
  readonly #clock: Clock
  #read: { readonly atMs: number; readonly certificates: Promise<ClientCertificate[]> } | undefined

  /** `places`: files, and folders of files. */
  constructor(places: readonly string[], clock: Clock) {
    this.#places = places
    this.#clock = clock
  }

  /**
   * @throws ORIGIN_CLIENT_CERTIFICATE when none fits; SETTINGS_INVALID when a named file cannot be used
   */
  async choose(wish: CertificateWish, host: string): Promise<ClientCertificate> {
    const chosen = chooseCertificate(await this.#all(), wish, this.#clock.wallMs())
    if (typeof chosen !== 'string') return chosen
    const wanted = [
      wish.issuer !== undefined && `issuer ${wish.issuer}`,
      wish.subject !== undefined && `subject ${wish.subject}`
    ]
      .filter(Boolean)
      .join(' and ')
      .slice(0, 400)
    const why = chosen === 'expired' ? 'is not valid today' : 'is there'
    throw new LarderError(
      'ORIGIN_CLIENT_CERTIFICATE',
      `For ${host} a client certificate with ${wanted} is wanted, and ${chosen === 'expired' ? 'what fits' : 'none'} ${why}.`,
      { host, setting: 'origin.clientCertificates' }
    )
  }

  #all(): Promise<ClientCertificate[]> {
    const atMs = this.#clock.monotonicMs()
    if (!this.#read || atMs - this.#read.atMs > READ_AGAIN_MS)
      this.#read = { atMs, certificates: readPlaces(this.#places) }
    this.#read.certificates.catch(() => (this.#read = undefined))
    return this.#read.certificates
  }
}

async function readPlaces(places: readonly string[]): Promise<ClientCertificate[]> {
  const found: ClientCertificate[] = []
  for (const place of places) {
    const folder = await stat(place).then(
      (stats) => stats.isDirectory(),
      (cause) => Promise.reject(unusable(place, `cannot be looked at (${systemCode(cause) ?? 'unknown'})`, cause))
    )
    if (!folder) {
      found.push(await readOne(place))
      continue
    }
    const names = (await readdir(place)).filter((name) => /\.(pem|crt|cer|pfx|p12)$/i.test(name)).sort()
    if (names.length > MAX_FILES) throw unusable(place, `has more than ${MAX_FILES} files`)
    // What lies in a folder beside the right ones (a CA, a certificate without key) is not an error.
    for (const name of names)
      found.push(
        ...(await readOne(join(place, name)).then(
          (one) => [one],
          () => []
        ))
      )
  }
  return found
}

async function readOne(path: string): Promise<ClientCertificate> {
  try {
    const bytes = await readBoundedFile(path, MAX_FILE_BYTES)
    const passphrase = (await beside(`${path}.passphrase`))?.toString('utf8').replace(/\r?\n$/, '')
    const options = /\.(pfx|p12)$/i.test(path)
      ? { pfx: bytes, passphrase }
      : { ...(await pemParts(bytes.toString('latin1'), path)), passphrase }
    const certificate = leafOf(options)
    return {
      issuer: nameOf(certificate, 'issuer'),
      subject: nameOf(certificate, 'subject'),
      validFromMs: Date.parse(certificate.validFrom),
      validToMs: Date.parse(certificate.validTo),
      fingerprint: certificate.fingerprint256,
      place: path,
      tls: options
    }
  } catch (error) {
    if (error instanceof LarderError) throw error
    throw unusable(path, `cannot be used (${systemCode(error) ?? (error as Error).message})`, error)
  }
}

async function pemParts(text: string, path: string): Promise<{ cert: string; key: string }> {
  const key =
    /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----[^]+?-----END (?:[A-Z]+ )*PRIVATE KEY-----/.exec(text)?.[0] ??
    (await beside(path.replace(/\.[^.]+$/, '.key')))?.toString('latin1')
  const cert = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)?.join('\n')
  if (cert === undefined || key === undefined)
    throw unusable(
      path,
      cert === undefined ? 'has no PEM certificate' : 'has no private key, and there is none beside it'
    )
  return { cert, key }
}

function beside(path: string): Promise<Buffer | undefined> {
  return readBoundedFile(path, MAX_FILE_BYTES).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  })
}

/** The certificate a TLS connection would show: Node has no other way to look into a PFX. Checks that key and certificate fit. */
function leafOf(options: ClientCertificate['tls']): X509Certificate {
  const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  const socket = new tls.TLSSocket(stream, { isServer: true, secureContext: tls.createSecureContext(options) })
  socket.on('error', () => {})
  try {
    const certificate = socket.getX509Certificate()
    if (!certificate) throw new Error('no certificate')
    return certificate
  } finally {
    socket.destroy()
    stream.destroy()
  }
}

function nameOf(certificate: X509Certificate, which: 'issuer' | 'subject'): DistinguishedName {
  const name = certificate.toLegacyObject()[which] as unknown as Record<string, string | string[]> | undefined
  return Object.fromEntries(Object.entries(name ?? {}).map(([attribute, values]) => [attribute, [values].flat()]))
}

function unusable(path: string, why: string, cause?: unknown): LarderError {
  return new LarderError('SETTINGS_INVALID', `${path} of setting origin.clientCertificates ${why}.`, {
    setting: 'origin.clientCertificates',
    path,
    cause
  })
}
