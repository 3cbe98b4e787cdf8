import type { PeerId } from '../../contract/ids.ts'
import type { DialOutcome } from './dial.ts'

/** Where a member may be found. */
export interface DialAddress {
  readonly address: string
  readonly port: number
}

export interface IntroductionWorld {
  readonly isProven: (id: PeerId) => boolean
  /** A member that was named by a hub may be dialled now. */
  readonly mayDial: (id: PeerId) => boolean
  readonly dial: (host: string, port: number, id: PeerId) => Promise<DialOutcome>
}

/** Connects to a member that a hub has named, at one of these addresses. */
export async function introduce(
  { isProven, mayDial, dial }: IntroductionWorld,
  id: PeerId,
  addresses: readonly DialAddress[]
): Promise<DialOutcome['kind']> {
  let kind: DialOutcome['kind'] = 'unreachable'
  for (const { address, port } of addresses) {
    if (isProven(id)) return 'proven'
    if (!mayDial(id)) return 'later'
    ;({ kind } = await dial(address, port, id))
    // Both were introduced to each other at the same moment, and its connection was there first: ours was broken off for it.
    if (isProven(id)) return 'proven'
    if (kind !== 'unreachable' && kind !== 'refused') return kind
  }
  return kind
}
