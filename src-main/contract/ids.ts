import { z } from 'zod'

const hex64 = /^[0-9a-f]{64}$/

/** SHA-256 in lower-case hex, 64 characters. */
export const Sha256Hex = z.string().regex(hex64, 'expected 64 lower-case hex digits').brand<'Sha256Hex'>()
export type Sha256Hex = z.infer<typeof Sha256Hex>

/** Identity of an agent between peers: SHA-256 of its public key (SPKI DER), hex. */
export const PeerId = z.string().regex(hex64, 'expected 64 lower-case hex digits').brand<'PeerId'>()
export type PeerId = z.infer<typeof PeerId>

/**
 * Name of one exact version of bytes.
 *
 *     sha256:<64 hex>     the digest of the whole was known beforehand
 *     version:<64 hex>    hash of (URL without fragment, strong validator, length)
 */
export const ContentKey = z
  .string()
  .regex(/^(sha256|version):[0-9a-f]{64}$/, 'expected sha256:<hex> or version:<hex>')
  .brand<'ContentKey'>()
export type ContentKey = z.infer<typeof ContentKey>

/** Identity of one request at the local agent, e.g. `r-01f…`; unguessable. */
export const RequestId = z
  .string()
  .regex(/^r-[0-9a-z-]{8,40}$/)
  .brand<'RequestId'>()
export type RequestId = z.infer<typeof RequestId>

/** Identity of one run of the agent process; a new one at each start tells a restarted agent from a running one. */
export const BootId = z
  .string()
  .regex(/^[0-9a-f]{16}$/)
  .brand<'BootId'>()
export type BootId = z.infer<typeof BootId>
