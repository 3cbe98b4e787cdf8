import type { SourceFacts } from '../../contract/provenance.ts'
import type { OriginVersion } from '../../origin/origin.ts'
import type { TransferWorld } from '../job.ts'

/** What is kept of the answer that named a version. */
export function sourceOf(
  { finalUrl, answeredBy }: OriginVersion,
  { clock, networks }: Pick<TransferWorld, 'clock' | 'networks'>
): SourceFacts {
  const url = new URL(finalUrl)
  url.username = ''
  url.password = ''
  url.search = ''
  url.hash = ''
  return {
    url: url.href,
    scheme: url.protocol === 'https:' ? 'https' : 'http',
    address: answeredBy?.address?.slice(0, 64) ?? null,
    at: clock.wallMs(),
    issuer: answeredBy?.issuer?.slice(0, 512) ?? null,
    network: answeredBy?.localAddress ? networks.of(answeredBy.localAddress) : null
  }
}
