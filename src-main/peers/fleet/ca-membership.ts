import { createHash, X509Certificate } from 'node:crypto'
import type { PeerId } from '../../contract/ids.ts'
import type { Clock } from '../../lib/clock.ts'
import { deviceKey, peerIdOf } from './certificate.ts'
import type { DenyListHolder } from './deny-list-holder.ts'
import type { Enrolment } from './enrolment.ts'
import { expiresAtMs, isExpired, issuedBy } from './fleet-certificate.ts'
import { sharedSecret, type Membership, type Objection } from './membership.ts'

const LABEL = 'larder/fleet-ca/v1\0'
/** Certificates whose signature was found good recently; checking one takes a tenth of a millisecond. */
const MAX_KNOWN = 1024

export interface CaMembershipOptions {
  /** As it is now: a renewal replaces the certificate, never CA and secret. */
  readonly enrolment: () => Enrolment
  readonly denyList: DenyListHolder
  readonly clock: Clock
}

/**
 * Membership by certificates of the fleet's CA. The secret, which each member gets with its certificate, keeps strangers from
 * making beacons and from being answered; who may take part is decided by certificate and deny list.
 */
export function caMembership({ enrolment, denyList, clock }: CaMembershipOptions): Membership {
  const { ca, secret } = enrolment()
  const salt = createHash('sha256')
    .update(LABEL)
    .update(ca.publicKey.export({ format: 'der', type: 'spki' }))
    .digest()
  const { derive: _derive, ...shared } = sharedSecret(secret, salt)
  const known = new Set<string>()

  const isIssued = (certificate: X509Certificate): boolean => {
    const { fingerprint256 } = certificate
    if (known.has(fingerprint256)) return true
    if (!issuedBy(ca, certificate)) return false
    known.add(fingerprint256)
    if (known.size > MAX_KNOWN) for (const oldest of known) return known.delete(oldest)
    return true
  }

  const objection = ({
    id,
    certificate
  }: {
    readonly id: PeerId
    readonly certificate: X509Certificate
  }): Objection | undefined => {
    if (!isIssued(certificate)) return { kind: 'stranger', reason: 'has no certificate of this fleet' }
    if (denyList.denies(id)) return { kind: 'denied', reason: 'was removed from the fleet' }
    const nowMs = clock.wallMs()
    if (isExpired(certificate, nowMs))
      return {
        kind: 'denied',
        reason: `has a certificate that expired on ${day(expiresAtMs(certificate))} (this PC's clock says ${day(nowMs)})`
      }
    return undefined
  }

  return {
    ...shared,
    via: 'ca',
    strangerReason: 'belongs to another fleet',
    vouch: (spki) => ({
      spki: Buffer.from(spki).toString('base64url'),
      proof: enrolment().certificate.raw.toString('base64url')
    }),
    vouched(credential) {
      const certificate = parse(Buffer.from(credential.proof, 'base64url'))
      const spki = certificate && deviceKey(certificate)
      if (!certificate || !spki?.equals(Buffer.from(credential.spki, 'base64url'))) return undefined
      return objection({ id: peerIdOf(spki), certificate }) ? undefined : spki
    },
    // Its proof is the certificate of whom it is about.
    passOn: (credential) => credential,
    objection,
    denies: (id) => denyList.denies(id)
  }
}

function parse(der: Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(der)
  } catch {
    return undefined
  }
}

/** `2026-01-31`, UTC. */
const day = (wallMs: number): string => new Date(wallMs).toISOString().slice(0, 10)
