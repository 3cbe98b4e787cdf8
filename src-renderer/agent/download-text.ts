import { askerText } from '../../src-main/contract/asked-by.ts'
import { verifiedTexts } from '../../src-main/contract/provenance.ts'
import { stateLabel } from '../../src-main/contract/progress.ts'
import type { RequestView } from '../../src-main/contract/request.ts'
import { roleSentence } from './selectors/explain.ts'

/** One download as it is pasted into a ticket: a fact a line, the identifier that `larder why` takes first. */
export function downloadAsText(request: RequestView): string {
  const { id, url, destination, split, error, reasons, sha256, verifiedBy, askedBy, createdAt, finishedAt, elapsedMs } =
    request
  const facts: readonly (readonly [string, string | null])[] = [
    ['Download', id],
    ['Address', url],
    ['State', stateLabel(request)],
    ['Error', error === null ? null : `${error.code}: ${error.message}`],
    ['Saved as', destination],
    ['Length', request.lengthBytes === null ? null : `${request.lengthBytes} bytes`],
    [
      'Received',
      `${split.peerBytes} bytes from peers, ${split.cacheBytes} from the cache, ${split.originBytes} from the origin`
    ],
    ['Role', roleSentence(request)],
    ...reasons.map(({ code, text, at }) => ['Reason', `${new Date(at).toISOString()} ${code}: ${text}`] as const),
    ['Verified by', verifiedBy === null ? null : verifiedTexts[verifiedBy]],
    ['Asked by', askedBy === null ? null : askerText(askedBy)],
    ['Asked for', new Date(createdAt).toISOString()],
    ['Finished', finishedAt === null ? null : `${new Date(finishedAt).toISOString()}, after ${elapsedMs} ms`],
    ['SHA-256', sha256]
  ]
  return facts.flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}`])).join('\n')
}
