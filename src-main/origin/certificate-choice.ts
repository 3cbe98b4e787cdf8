import { sameOrigin } from './url.ts'

/** Which client certificate a request wants to show: by its issuer, by its subject, or both. */
export interface CertificateWish {
  /** `CN=Acme Issuing CA, O=Acme`, or a common name alone. */
  readonly issuer?: string | undefined
  readonly subject?: string | undefined
}

/** Which certificate to show to a host, as the settings say. */
export interface CertificateRule {
  /** Host name, or `*.domain` for everything below a domain. */
  readonly host: string
  readonly certIssuer?: string | undefined
  readonly certSubject?: string | undefined
}

/** Attributes of a distinguished name by their short names: `{ CN: ['pc-1'], OU: ['a', 'b'] }`. */
export type DistinguishedName = Readonly<Record<string, readonly string[]>>

export interface Candidate {
  readonly issuer: DistinguishedName
  readonly subject: DistinguishedName
  /** Wall clock, ms since 1970. */
  readonly validFromMs: number
  readonly validToMs: number
}

/** What a request says about the certificate to show; undefined when it says nothing. */
export function wishOf({
  certIssuer,
  certSubject
}: {
  readonly certIssuer?: string | undefined
  readonly certSubject?: string | undefined
}): CertificateWish | undefined {
  return certIssuer === undefined && certSubject === undefined
    ? undefined
    : { issuer: certIssuer, subject: certSubject }
}

/** What the request wants; else the first rule for the host that fits; else nothing. */
export function wishFor(
  href: string,
  wish: CertificateWish | undefined,
  rules: readonly CertificateRule[]
): CertificateWish | undefined {
  if (wish) return wish
  const rule = rules.find(({ host }) => coversHost(host, new URL(href).hostname))
  return rule && wishOf(rule)
}

/** The certificate that fits and is valid longest; else why there is none. */
export function chooseCertificate<C extends Candidate>(
  candidates: readonly C[],
  wish: CertificateWish,
  wallMs: number
): C | 'none' | 'expired' {
  const fitting = candidates.filter(
    ({ issuer, subject }) =>
      (wish.issuer === undefined || nameFits(issuer, wish.issuer)) &&
      (wish.subject === undefined || nameFits(subject, wish.subject))
  )
  const valid = fitting.filter(({ validFromMs, validToMs }) => validFromMs <= wallMs && wallMs <= validToMs)
  return valid.toSorted((a, b) => b.validToMs - a.validToMs)[0] ?? (fitting.length === 0 ? 'none' : 'expired')
}

/** Credentials go to the origin the caller named and to no other, however redirects lead. */
export function mayShowCertificate(named: string, hop: string): boolean {
  return hop.startsWith('https:') && sameOrigin(named, hop)
}

/**
 * Does a distinguished name fit a text, upper and lower case alike? `CN=pc-1, O="Acme, Inc"`: each part must be in the name, the
 * order is free, further attributes may be there. A text without `=` is a common name.
 */
export function nameFits(name: DistinguishedName, wanted: string): boolean {
  const parts = partsOf(wanted)
  return (
    parts.length > 0 &&
    parts.every(([attribute, value]) => valuesOf(name, attribute).some((one) => fold(one) === fold(value)))
  )
}

const aliases: Readonly<Record<string, string>> = {
  e: 'emailaddress',
  email: 'emailaddress',
  s: 'st',
  commonname: 'cn',
  organization: 'o',
  organizationname: 'o',
  organizationalunit: 'ou'
}

function valuesOf(name: DistinguishedName, attribute: string): readonly string[] {
  const wanted = canonical(attribute)
  return Object.entries(name).flatMap(([own, values]) => (canonical(own) === wanted ? values : []))
}

function partsOf(text: string): [string, string][] {
  if (!text.includes('=')) return text.trim() === '' ? [] : [['CN', text.trim()]]
  // Commas and semicolons part, unless escaped or inside quotes (RFC 4514, and how Windows shows names).
  const parts = text.match(/(?:\\.|"(?:\\.|[^"\\])*"|[^,;\\"])+/g) ?? []
  return parts.map((part) => {
    const at = part.indexOf('=')
    const value = part.slice(at + 1).trim()
    const bare = value.startsWith('"') && value.endsWith('"') && value.length > 1 ? value.slice(1, -1) : value
    return [at === -1 ? 'CN' : part.slice(0, at).trim(), bare.replace(/\\(.)/g, '$1')]
  })
}

function canonical(attribute: string): string {
  const lower = attribute.toLowerCase()
  return Object.hasOwn(aliases, lower) ? aliases[lower]! : lower
}

const fold = (text: string): string => text.normalize('NFKC').trim().replace(/\s+/g, ' ').toLowerCase()

/** `rule`: a host name, or `*.domain` for everything below a domain. */
export function coversHost(rule: string, host: string): boolean {
  const wanted = rule.toLowerCase()
  return wanted.startsWith('*.') ? host.endsWith(wanted.slice(1)) && host.length > wanted.length - 1 : host === wanted
}
