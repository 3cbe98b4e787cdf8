import { EventEmitter } from 'node:events'
import type { Deposits, FarNetwork, HubLinks, HubLinksEvents } from './network.ts'

/** Other subnets, to an agent without a fleet. */
export const nobodyFar: FarNetwork = {
  introduction: () => ({ t: 'hub.card', card: null, site: null, name: '' }),
  learn: () => false,
  noteApart: () => {},
  introduce: async () => 'outside'
}

export const noDeposits: Deposits = {
  idOf: (hub) => hub,
  hubOf: () => undefined,
  tagOf: () => undefined,
  bring: async () => 'unwanted'
}

/** Of an agent without a fleet. */
export class NoHubs extends EventEmitter<HubLinksEvents> implements HubLinks {
  readonly inUse = false
  connected = () => []
  send = () => false
  view = () => []
}
