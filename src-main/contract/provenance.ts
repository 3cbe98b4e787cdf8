import { z } from 'zod'

/**
 * By what the bytes of a content were verified, strongest first.
 *
 *     digest    a SHA-256 that the caller or the origin gave beforehand
 *     origin    this PC downloaded all of it from the origin itself
 *     sample    other PCs gave it (in part); parts chosen at random are as the origin has them
 *     members   other PCs gave it (in part), and nothing but their signatures speaks for it
 */
export const verifications = ['digest', 'origin', 'sample', 'members'] as const
export const VerifiedBy = z.enum(verifications)
export type VerifiedBy = z.infer<typeof VerifiedBy>

/** As it is shown: “verified by …”. */
export const verifiedTexts: Record<VerifiedBy, string> = {
  digest: 'digest',
  origin: 'this PC’s own download',
  sample: 'checked sample',
  members: 'members only'
}

/** The answer of the origin by which this PC knows the version it has. */
export const SourceFacts = z.object({
  /** After redirects, without user info, query and fragment. */
  url: z.string().max(8192),
  scheme: z.enum(['http', 'https']),
  /** Who answered: the origin, or the proxy in between. */
  address: z.string().max(64).nullable(),
  /** Wall clock, ms since 1970. */
  at: z.number(),
  /** Issuer of the certificate it showed; null over http. */
  issuer: z.string().max(512).nullable(),
  /** Names the network this PC was in; null: not known. */
  network: z.string().max(64).nullable()
})
export type SourceFacts = z.infer<typeof SourceFacts>

/** How one content came to be known under one URL. */
export const ProvenanceView = z.object({
  verifiedBy: VerifiedBy,
  source: SourceFacts.nullable(),
  /** Who signed its pieces, by id; at most 256. */
  signers: z.array(z.string().max(64)).max(256)
})
export type ProvenanceView = z.infer<typeof ProvenanceView>

/** The weaker of two. */
export function weaker(a: VerifiedBy, b: VerifiedBy): VerifiedBy {
  return verifications.indexOf(a) > verifications.indexOf(b) ? a : b
}
