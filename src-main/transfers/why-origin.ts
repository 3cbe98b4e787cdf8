import type { ReasonCode } from '../contract/request.ts'
import type { PeerNetwork } from '../peers/network.ts'

/** Why the master of a content downloads it from the origin: nobody to ask, or nobody who has it. */
export function whyOrigin(
  network: Pick<PeerNetwork, 'fleet' | 'connected'>
): Extract<ReasonCode, 'no-fleet' | 'no-peers' | 'elected'> {
  if (!network.fleet().member) return 'no-fleet'
  return network.connected().length === 0 ? 'no-peers' : 'elected'
}
