import { X509Certificate } from 'node:crypto'
import { z } from 'zod'
import { LarderError } from '../../lib/errors.ts'
import { shortId } from '../../lib/short-id.ts'
import { deviceKey, peerIdOf } from './certificate.ts'
import { MAX_DENY_LIST_BYTES, readDenyList, type DenyList } from './deny-list.ts'
import { MAX_RECALL_LIST_BYTES, type RecallList } from './recall-list.ts'
import { issuedBy } from './fleet-certificate.ts'

/** What makes a device a member: the CA it believes, its own certificate, and the fleet's shared secret. */
export interface Enrolment {
  readonly ca: X509Certificate
  readonly certificate: X509Certificate
  readonly secret: Buffer
}

const pem = z
  .string()
  .max(4096)
  .regex(/^-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\s*$/)
const base64url = (bytes: number) =>
  z
    .string()
    .max(Math.ceil((bytes * 4) / 3))
    .regex(/^[A-Za-z0-9_-]*$/)

/**
 * The CA's answer to a request, as it travels from the CA to a device; and, without the deny list, how the device keeps it.
 * The secret in it lets its holder make beacons, not take part.
 */
export const EnrolmentFile = z.object({
  larder: z.literal('fleet-enrolment'),
  v: z.literal(1),
  ca: pem,
  certificate: pem,
  secret: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  denyList: base64url(MAX_DENY_LIST_BYTES).optional()
})
export type EnrolmentFile = z.infer<typeof EnrolmentFile>

/** A deny list as it travels from the CA to any one member. */
export const DenyListFile = z.object({
  larder: z.literal('fleet-deny-list'),
  v: z.literal(1),
  denyList: base64url(MAX_DENY_LIST_BYTES)
})
export type DenyListFile = z.infer<typeof DenyListFile>

/** The same for a recall list. */
export const RecallListFile = z.object({
  larder: z.literal('fleet-recall-list'),
  v: z.literal(1),
  recallList: base64url(MAX_RECALL_LIST_BYTES)
})
export type RecallListFile = z.infer<typeof RecallListFile>

export const FleetFile = z.discriminatedUnion('larder', [EnrolmentFile, DenyListFile, RecallListFile])

/** Longest fleet file that is read. */
export const MAX_FLEET_FILE_BYTES = 64 * 1024

/** @throws FLEET_INVALID when the text is neither */
export function parseFleetFile(text: string, place: string): EnrolmentFile | DenyListFile | RecallListFile {
  try {
    return FleetFile.parse(JSON.parse(text))
  } catch (cause) {
    throw new LarderError('FLEET_INVALID', `${place} is not an answer of a fleet CA and no list that one signed`, {
      cause
    })
  }
}

/**
 * Checks an answer of the CA against the device it is for.
 * @throws FLEET_INVALID when it is for another device, or contradicts itself
 */
export function acceptEnrolment(
  file: EnrolmentFile,
  deviceSpki: Uint8Array
): { enrolment: Enrolment; denyList: DenyList | undefined } {
  const invalid = (why: string) => new LarderError('FLEET_INVALID', `The enrolment ${why}`)
  const [ca, certificate] = [certificateOf(file.ca), certificateOf(file.certificate)]
  if (!ca || !deviceKey(ca) || !ca.ca || !ca.verify(ca.publicKey)) throw invalid('has no usable CA certificate')
  if (!certificate || !issuedBy(ca, certificate)) throw invalid('has a certificate that its CA did not sign')
  const spki = deviceKey(certificate)
  if (!spki?.equals(deviceSpki))
    throw invalid(
      `is for another PC (${spki ? shortId(peerIdOf(spki)) : 'unknown'}) than this one (${shortId(peerIdOf(deviceSpki))})`
    )
  const denyList =
    file.denyList === undefined ? undefined : readDenyList(Buffer.from(file.denyList, 'base64url'), ca.publicKey)
  if (file.denyList !== undefined && !denyList) throw invalid('has a deny list that its CA did not sign')
  return { enrolment: { ca, certificate, secret: Buffer.from(file.secret, 'base64url') }, denyList }
}

export function enrolmentFile({ ca, certificate, secret }: Enrolment, denyList?: DenyList): EnrolmentFile {
  return {
    larder: 'fleet-enrolment',
    v: 1,
    ca: ca.toString(),
    certificate: certificate.toString(),
    secret: secret.toString('base64url'),
    ...(denyList && denyList.number > 0 ? { denyList: denyList.bytes.toString('base64url') } : {})
  }
}

export function denyListFile(list: DenyList): DenyListFile {
  return { larder: 'fleet-deny-list', v: 1, denyList: list.bytes.toString('base64url') }
}

export function recallListFile(list: RecallList): RecallListFile {
  return { larder: 'fleet-recall-list', v: 1, recallList: list.bytes.toString('base64url') }
}

/** True when both are of the same CA. */
export function sameFleet(a: Enrolment, b: Enrolment): boolean {
  return a.ca.fingerprint256 === b.ca.fingerprint256 && a.secret.equals(b.secret)
}

function certificateOf(text: string): X509Certificate | undefined {
  try {
    return new X509Certificate(text)
  } catch {
    return undefined
  }
}
