import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import { Sha256Hex } from '../contract/ids.ts'
import { LarderError } from '../lib/errors.ts'
import { isVersion } from './compare-versions.ts'

/** Longest manifest that is read. */
export const MAX_MANIFEST_BYTES = 64 * 1024
const MAX_PACKAGE_BYTES = 2 * 1024 ** 3
/** So that a signature made for something else never counts here. */
const LABEL = Buffer.from('larder/update-manifest/v1\0')
/** SubjectPublicKeyInfo of Ed25519 (RFC 8410) up to its 32 bytes. */
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex')

const Version = z.string().max(60).refine(isVersion, 'expected a version such as 1.2.3')

export const PackageForm = z.enum(['deb', 'rpm', 'msi', 'nsis', 'pkg', 'appimage'])
export type PackageForm = z.infer<typeof PackageForm>

export const ReleasePackage = z.strictObject({
  form: PackageForm,
  arch: z.enum(['x64', 'arm64']),
  /** Relative to where the manifest is. */
  url: z.string().min(1).max(2048),
  sizeBytes: z.number().int().min(1).max(MAX_PACKAGE_BYTES),
  sha256: Sha256Hex
})
export type ReleasePackage = z.infer<typeof ReleasePackage>

const Release = z.strictObject({ version: Version, packages: z.array(ReleasePackage).min(1).max(24) })
export type Release = z.infer<typeof Release>

/** What is signed. Times are ISO 8601, UTC. */
export const Manifest = z.strictObject({
  channel: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'expected a name such as stable'),
  release: Release,
  /** Earlier releases, so that a PC can go back to the one it has. */
  former: z.array(Release).max(20).default([]),
  issuedAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
  /** Older ones do not come to this release by themselves. */
  minVersion: Version
})
export type Manifest = z.infer<typeof Manifest>

/** `manifest` is the text that was signed, byte for byte. */
const Signed = z.strictObject({
  larderUpdate: z.literal(1),
  manifest: z.string().max(MAX_MANIFEST_BYTES),
  signatures: z
    .array(z.string().regex(/^[A-Za-z0-9_-]{86}$/))
    .min(1)
    .max(4)
})

/** @returns private half as PKCS #8 PEM, public half as builds pin it */
export function newReleaseKey(): { privatePem: string; publicKey: string } {
  const { privateKey } = generateKeyPairSync('ed25519')
  return {
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: publicReleaseKey(privateKey)
  }
}

/** The public half of a private key, as builds pin it. */
export function publicReleaseKey(privateKey: KeyObject | string): string {
  const key = typeof privateKey === 'string' ? createPrivateKey(privateKey) : privateKey
  if (key.asymmetricKeyType !== 'ed25519') throw new RangeError('a release key is an Ed25519 key')
  return createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(SPKI_HEAD.length).toString('base64url')
}

/** @param privatePems while a key is being replaced, of both */
export function signManifest(manifest: z.input<typeof Manifest>, privatePems: readonly string[]): string {
  const text = JSON.stringify(Manifest.parse(manifest))
  const signatures = privatePems.map((pem) =>
    sign(null, signedBytes(text), createPrivateKey(pem)).toString('base64url')
  )
  return `${JSON.stringify({ larderUpdate: 1, manifest: text, signatures } satisfies z.infer<typeof Signed>)}\n`
}

/**
 * Reads a manifest that one of `keys` has signed; nothing of what is in it is looked at before.
 * @throws UPDATE_MANIFEST_INVALID, UPDATE_SIGNATURE_INVALID
 */
export function readManifest(bytes: Uint8Array, keys: readonly string[]): Manifest {
  if (bytes.length > MAX_MANIFEST_BYTES) throw invalid(`it is longer than ${MAX_MANIFEST_BYTES} bytes`)
  const signed = Signed.safeParse(jsonOf(Buffer.from(bytes).toString('utf8')))
  if (!signed.success) throw invalid('it is not whole, or no manifest of Larder')
  const { manifest: text, signatures } = signed.data
  const data = signedBytes(text)
  if (
    !keys.some((key) => signatures.some((one) => verify(null, data, publicKeyOf(key), Buffer.from(one, 'base64url'))))
  )
    throw new LarderError('UPDATE_SIGNATURE_INVALID', 'The update manifest is not signed with a key of this release')
  const manifest = Manifest.safeParse(jsonOf(text))
  if (manifest.success) return manifest.data
  const issue = manifest.error.issues[0]
  throw invalid(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is invalid'}`)
}

const signedBytes = (text: string): Buffer => Buffer.concat([LABEL, Buffer.from(text)])

function publicKeyOf(key: string): KeyObject {
  return createPublicKey({
    key: Buffer.concat([SPKI_HEAD, Buffer.from(key, 'base64url')]),
    type: 'spki',
    format: 'der'
  })
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const invalid = (why: string): LarderError =>
  new LarderError('UPDATE_MANIFEST_INVALID', `The update manifest cannot be used: ${why}`)
