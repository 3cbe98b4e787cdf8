import type { PeerId } from '../contract/ids.ts'
import type { TransferView } from '../contract/snapshot.ts'
import type { PiecePlan } from '../pieces/plan.ts'
import type { TransferParts } from './transfer-parts.ts'

/** What a transfer says of itself. */
type Told = Pick<
  TransferView,
  | 'key'
  | 'haveBytes'
  | 'arrivingBytes'
  | 'state'
  | 'role'
  | 'master'
  | 'split'
  | 'verifiedBy'
  | 'sampledBytes'
  | 'rateBytesPerSecond'
> & { readonly plan: PiecePlan }

/** What people see of a transfer. */
export function viewOf(
  transfer: Readonly<Told>,
  { mastership, swarm, site }: Pick<TransferParts, 'mastership' | 'swarm' | 'site'>,
  facts: {
    readonly url: string
    readonly havePieces: number
    readonly requests: number
    nameOf(id: PeerId): string
  }
): TransferView {
  const { key, plan, haveBytes, arrivingBytes, state, role, master, split, verifiedBy, sampledBytes } = transfer
  return {
    key,
    url: facts.url,
    lengthBytes: plan.lengthBytes,
    haveBytes,
    arrivingBytes,
    pieceCount: plan.count,
    havePieces: facts.havePieces,
    state,
    role,
    master,
    epoch: mastership.epoch,
    split: { ...split },
    verifiedBy,
    sampledBytes,
    peers: swarm.neighbours.suppliers((id) => facts.nameOf(id)),
    site: site?.view() ?? null,
    rateBytesPerSecond: transfer.rateBytesPerSecond,
    requests: facts.requests
  }
}
