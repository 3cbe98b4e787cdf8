// Why it is like this: docs/decisions/0082-two-site-keys-for-a-time.md
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  timingSafeEqual,
  type X509Certificate
} from 'node:crypto'
import type { ContentKey, PeerId } from '../../contract/ids.ts'
import type { Credential } from '../../contract/peer-messages.ts'
import { secretOfSiteKey } from './site-key.ts'

/** Which end of a TLS connection: who opened it, or who took it. */
export type Role = 'dialer' | 'acceptor'

/** What both ends of one TLS connection know and nobody else's connection shares. */
export interface Channel {
  /** SHA-256 of each end's certificate. */
  readonly dialerCertificate: Buffer
  readonly acceptorCertificate: Buffer
  /** TLS exporter output (RFC 8446, 7.5), 32 bytes: binds a proof to this very connection. */
  readonly exporter: Buffer
  readonly protocol: number
  /** What the connection is for, `control` by default: no proof serves for both. */
  readonly use?: 'control' | 'hub'
}

const FLEET_TAG_BYTES = 8
/** Lengths of what a sealed beacon has beside its content. */
export const SEAL_NONCE_BYTES = 12
export const SEAL_TAG_BYTES = 16
const CIPHER = 'aes-256-gcm'

/**
 * Why somebody is not taken as a member although it knows the fleet's secret. `stranger`: nobody of this fleet. `denied`: a
 * member once. `reason` is a clause about it, e.g. `was removed from the fleet`.
 */
export interface Objection {
  readonly kind: 'stranger' | 'denied'
  readonly reason: string
}

/** How agents of one fleet recognise each other: a site key, or certificates of a fleet CA. */
export interface Membership {
  readonly via: 'none' | 'site-key' | 'ca'
  /** Short name of the fleet for people, 16 hex digits; says nothing about the key and never travels in clear. */
  readonly tag: string | null
  /** Header value by which `role` proves its membership on this connection. */
  prove(channel: Channel, role: Role): string
  /** True when `proof` is what `role` must have sent on this connection; takes the same time for every wrong one. */
  proofHolds(channel: Channel, role: Role, proof: string): boolean
  /** Secrets it speaks for: two while a site key is being replaced. */
  readonly secrets: number
  /** Encrypts a beacon for the holders of one secret, its `head` authenticated along. @returns ciphertext and tag */
  sealBeacon(head: Uint8Array, nonce: Uint8Array, plain: Uint8Array, secret?: number): Buffer
  /** @returns what was sealed; undefined when nobody of the fleet did it */
  openBeacon(head: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Buffer | undefined
  /** Name of a content that says nothing to a non-member: `site:<hex>`. */
  blind(key: ContentKey): ContentKey
  /** A public key with the proof that its owner is a member, checkable by any member. */
  vouch(spki: Uint8Array): Credential
  /** @returns the public key (SPKI DER) of a credential that a member made, else undefined */
  vouched(credential: Credential): Buffer | undefined
  /** A credential of another as this agent shows it; one that it does not believe stays as it is. */
  passOn(credential: Credential): Credential
  /** What speaks against the holder of this certificate, whose key it has proved; asked again while it is connected. */
  objection(remote: { readonly id: PeerId; readonly certificate: X509Certificate }): Objection | undefined
  /** True when this device was removed of the fleet, whatever it shows. */
  denies(id: PeerId): boolean
  /** Clause about somebody without the fleet's secret, e.g. `has another site key`. */
  readonly strangerReason: string
}

/** What knowledge of one secret proves, and what is derived from it for beacons. */
export type SharedSecret = Pick<
  Membership,
  'tag' | 'secrets' | 'prove' | 'proofHolds' | 'sealBeacon' | 'openBeacon' | 'blind'
> & {
  /** A key of its own for one more use. */
  derive(use: string): Buffer
}

/** Credentials that need not be proved again. */
const MAX_PROVEN = 1024
const LABELS = { control: Buffer.from('larder/handshake/v1\0'), hub: Buffer.from('larder/hub/v1\0') }
const SALT = 'larder/site-key/v2'

/**
 * Membership by a shared secret. While a site key is being replaced there are two, and holders of either are members: whatever is shown is
 * shown under both, the proofs joined by a comma. The first one names the fleet and its contents.
 * @throws SITE_KEY_INVALID
 */
export function siteKeyMembership(siteKey: string, otherSiteKey?: string): Membership {
  const secrets = [siteKey, ...(otherSiteKey === undefined ? [] : [otherSiteKey])].map((key) => {
    const secret = sharedSecret(secretOfSiteKey(key), SALT)
    return { ...secret, credentialKey: secret.derive('credential') }
  })
  const [first] = secrets
  const vouchesFor = (spki: Uint8Array) =>
    secrets.map(({ credentialKey }) => createHmac('sha256', credentialKey).update(spki).digest())
  /** Public key → its proof, this agent's own as well: they come along with each content. */
  const proven = new Map<string, string>()
  const remember = (spki: string, proof: string): void => {
    proven.set(spki, proof)
    if (proven.size > MAX_PROVEN) proven.delete(proven.keys().next().value!)
  }
  const vouch = (key: Uint8Array): Credential => {
    const spki = Buffer.from(key).toString('base64url')
    // A proof that came along may be of one key only; what is passed on is to serve holders of either.
    const known = proven.get(spki)
    const proof =
      known !== undefined && proofsIn(known).length === secrets.length
        ? known
        : vouchesFor(key)
            .map((one) => one.toString('base64url'))
            .join(',')
    remember(spki, proof)
    return { spki, proof }
  }
  const vouched = ({ spki, proof }: Credential): Buffer | undefined => {
    const key = Buffer.from(spki, 'base64url')
    if (proven.get(spki) === proof) return key
    const good = vouchesFor(key)
    if (!proofsIn(proof).some((one) => good.some((expected) => sameBytes(expected, decode(one))))) return undefined
    remember(spki, proof)
    return key
  }
  return {
    tag: first!.tag,
    secrets: secrets.length,
    blind: first!.blind,
    prove: (channel, role) => secrets.map((secret) => secret.prove(channel, role)).join(','),
    proofHolds: (channel, role, proof) =>
      proofsIn(proof).some((one) => secrets.some((secret) => secret.proofHolds(channel, role, one))),
    sealBeacon: (head, nonce, plain, secret = 0) => secrets[secret]!.sealBeacon(head, nonce, plain),
    openBeacon(head, nonce, sealed) {
      for (const secret of secrets) {
        const plain = secret.openBeacon(head, nonce, sealed)
        if (plain) return plain
      }
      return undefined
    },
    via: 'site-key',
    strangerReason: 'has another site key',
    vouch,
    vouched,
    passOn(credential) {
      const key = secrets.length > 1 ? vouched(credential) : undefined
      return key ? vouch(key) : credential
    },
    objection: () => undefined,
    denies: () => false
  }
}

/** What is more than two is nobody's proof. */
function proofsIn(text: string): string[] {
  const proofs = text.split(',', 3)
  return proofs.length > 2 ? [] : proofs
}

/** Each use of the secret has a key of its own, so that none helps against another. */
export function sharedSecret(secret: Uint8Array, salt: string | Uint8Array): SharedSecret {
  const derive = (use: string, length = 32) => Buffer.from(hkdfSync('sha256', secret, salt, use, length))
  const beaconKey = derive('beacon')
  const handshakeKey = derive('handshake')
  const blindKey = derive('site-content')
  const proofOf = (channel: Channel, role: Role) =>
    createHmac('sha256', handshakeKey).update(transcript(channel, role)).digest()
  return {
    tag: derive('fleet-tag', FLEET_TAG_BYTES).toString('hex'),
    secrets: 1,
    prove: (channel, role) => proofOf(channel, role).toString('base64url'),
    proofHolds: (channel, role, proof) => sameBytes(proofOf(channel, role), decode(proof)),
    sealBeacon(head, nonce, plain) {
      const cipher = createCipheriv(CIPHER, beaconKey, nonce, { authTagLength: SEAL_TAG_BYTES }).setAAD(head)
      return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    },
    openBeacon(head, nonce, sealed) {
      const end = sealed.length - SEAL_TAG_BYTES
      const cipher = createDecipheriv(CIPHER, beaconKey, nonce, { authTagLength: SEAL_TAG_BYTES })
        .setAAD(head)
        .setAuthTag(sealed.subarray(end))
      try {
        return Buffer.concat([cipher.update(sealed.subarray(0, end)), cipher.final()])
      } catch {
        return undefined
      }
    },
    blind: (key) => `site:${createHmac('sha256', blindKey).update(key).digest('hex')}` as ContentKey,
    derive: (use) => derive(use)
  }
}

/** label of its use ‖ role (1 byte: 1 dialer, 2 acceptor) ‖ prover's certificate ‖ the other's certificate ‖ protocol u16 BE ‖ exporter; all but the label of fixed length. */
export function transcript(channel: Channel, role: Role): Buffer {
  const own = role === 'dialer' ? channel.dialerCertificate : channel.acceptorCertificate
  const other = role === 'dialer' ? channel.acceptorCertificate : channel.dialerCertificate
  return Buffer.concat([
    LABELS[channel.use ?? 'control'],
    Buffer.from([role === 'dialer' ? 1 : 2]),
    own,
    other,
    Buffer.from([channel.protocol >> 8, channel.protocol & 0xff]),
    channel.exporter
  ])
}

function decode(proof: string): Buffer {
  return /^[A-Za-z0-9_-]{43}$/.test(proof) ? Buffer.from(proof, 'base64url') : Buffer.alloc(0)
}

/** Constant-time for equal lengths; a wrong length is not a secret. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}
