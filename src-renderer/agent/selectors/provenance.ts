import { verifiedTexts, type ProvenanceView, type VerifiedBy } from '../../../src-main/contract/provenance.ts'
import { countOf, formatSize } from '../../../src-main/contract/sizes.ts'
import { shortId } from '../../format/url.ts'

/** PCs named; the rest is counted. */
const MOST_NAMES = 4

/** The people's name of a PC by its id; undefined: not known any more. */
export type NameOf = (id: string) => string | undefined

/** What is told of how a content came to be here under one address. */
export interface Origins {
  /** By what it was verified, and by whom. */
  readonly verified: string
  /** The answer of the web server that named the version. */
  readonly source: string | null
  /** Wall clock, ms since 1970. */
  readonly sourceAt: number | null
  /** How much the connection to the web server proves. */
  readonly connection: string | null
  /** Who signed its pieces first. */
  readonly signed: string | null
}

/** @param sampledBytes compared with the web server; null: not known (any more) */
export function originsOf(
  { verifiedBy, source, signers }: ProvenanceView,
  nameOf: NameOf,
  sampledBytes: number | null = null
): Origins {
  const sampled = verifiedBy === 'sample' && sampledBytes ? `, ${formatSize(sampledBytes)} compared` : ''
  return {
    verified: `${verifiedTexts[verifiedBy]}${meanings[verifiedBy]}${sampled}`,
    source: source?.url ?? null,
    sourceAt: source?.at ?? null,
    connection: source === null ? null : connectionOf(source),
    signed: signers.length === 0 ? null : namesOf(signers, nameOf)
  }
}

const meanings: Record<VerifiedBy, string> = {
  digest: ': it has the SHA-256 that was given beforehand',
  origin: '',
  sample: ': what this PC compared is as the web server has it',
  members: ': nothing but their signatures speaks for it'
}

function connectionOf({ scheme, address, issuer }: NonNullable<ProvenanceView['source']>): string {
  const where = address === null ? '' : ` from ${address}`
  if (scheme === 'http') return `http${where}: not encrypted, so anyone on the way could have answered`
  return `https${where}${issuer === null ? '' : `, certificate issued by ${nameOfIssuer(issuer)}`}`
}

/** The organisation or common name of a distinguished name, one part a line as Node gives it, or as it is. */
function nameOfIssuer(issuer: string): string {
  const parts = new Map(
    issuer.split(/\n|, (?=[A-Z]+=)/).map((part) => [part.split('=')[0]!, part.slice(part.indexOf('=') + 1)])
  )
  const [cn, o] = [parts.get('CN'), parts.get('O')]
  if (cn === undefined) return o ?? issuer
  return o === undefined || o === cn ? cn : `${cn} (${o})`
}

function namesOf(signers: readonly string[], nameOf: NameOf): string {
  const named = signers.slice(0, MOST_NAMES).map((id) => nameOf(id) || shortId(id))
  const more = signers.length - named.length
  return `${named.join(', ')}${more > 0 ? ` and ${countOf(more, 'more PC')}` : ''}`
}

/** How the content of a download came to be here: of several ways that of its own address. */
export function provenanceFor(url: string, provenances: readonly ProvenanceView[]): readonly ProvenanceView[] {
  if (provenances.length < 2) return provenances
  const plain = url.replace(/[?#].*$/s, '')
  return provenances.filter(({ source }) => source?.url === plain).slice(0, 1)
}
