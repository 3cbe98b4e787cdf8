import { waitingSentence } from '../../../src-main/contract/progress.ts'
import type { RequestView } from '../../../src-main/contract/request.ts'

/** It is master of nobody: there is no other PC to download it for. */
export const isAlone = ({ reasons }: Pick<RequestView, 'reasons'>): boolean =>
  reasons.some(({ code }) => code === 'no-fleet' || code === 'no-peers') &&
  !reasons.some(({ code }) => code === 'elected')

/** Who fetches the content from the origin, as seen from this PC. */
export function roleSentence({
  state,
  role,
  masterName,
  reasons
}: Pick<RequestView, 'state' | 'role' | 'masterName' | 'reasons'>): string | null {
  if (state === 'failed' || state === 'cancelled') return null
  switch (role) {
    case 'master':
      if (isAlone({ reasons })) return 'From the origin'
      return state === 'done' ? 'This PC was the master' : 'This PC is the master'
    case 'follower':
      if (masterName !== null) return `Master: ${masterName}`
      return state === 'done' ? 'From peers' : 'From the master and other PCs'
    case 'direct':
      return 'Directly from the origin'
    case 'none':
      return null
  }
}

/**
 * The answer to "why did this not come from peers?": the newest reason, or that it did come from them. Null while there is
 * nothing to say yet.
 */
export function whyNotFromPeers(
  request: Pick<RequestView, 'state' | 'reasons' | 'split' | 'role'>
): { readonly sentence: string; readonly fromPeers: boolean } | null {
  const newest = request.reasons.at(-1)
  if (newest !== undefined) return { sentence: newest.text, fromPeers: false }
  const { originBytes, peerBytes, cacheBytes } = request.split
  if (peerBytes > 0 && originBytes === 0) return { sentence: 'All of it came from peers.', fromPeers: true }
  if (peerBytes > 0) return { sentence: 'Some of it came from peers.', fromPeers: true }
  if (cacheBytes > 0 && originBytes === 0) return { sentence: 'It was already in this PC’s cache.', fromPeers: true }
  return null
}

/** What a row says below the name: the error, what it waits for, or why it did not come from peers where the role does not say so already. */
export function rowReason(request: RequestView): string | null {
  if (request.state === 'failed' && request.error !== null) return request.error.message
  if (request.waitingFor !== null && request.waitingFor.what !== 'resume') return waitingSentence(request)
  if (request.reasons.at(-1)?.code === 'elected' && request.role === 'master') return null
  const why = whyNotFromPeers(request)
  return why === null || why.fromPeers ? null : why.sentence
}
