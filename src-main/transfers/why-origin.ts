import type { ReasonCode } from '../contract/request.ts'
import type { PeerNetwork } from '../peers/network.ts'

/**
 * Why the master of a content downloads it from the origin: nobody to ask, or nobody who has it.
 * @param isMute somebody has it whose large answers do not arrive
 */
export function whyOrigin(
  network: Pick<PeerNetwork, 'fleet' | 'connected'>,
  isMute: boolean
): Extract<ReasonCode, 'no-fleet' | 'no-peers' | 'mute-peer' | 'elected'> {
  if (!network.fleet().member) return 'no-fleet'
  if (network.connected().length === 0) return 'no-peers'
  return isMute ? 'mute-peer' : 'elected'
}
