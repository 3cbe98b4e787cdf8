import type { Cache } from '../cache/cache.ts'
import type { Claims } from '../claims/claims.ts'
import type { OriginClient } from '../origin/origin.ts'
import type { PeerNetwork } from '../peers/network.ts'
import type { HashPool } from '../pieces/hashing.ts'
import type { Readings } from '../requests/reading.ts'
import type { Requests } from '../requests/requests.ts'
import type { Traffic } from '../transfers/traffic.ts'
import type { Transfers } from '../transfers/transfers.ts'
import type { Precache } from '../precache/precache.ts'
import type { Rates } from '../rates/rates.ts'
import type { CachePlace } from './cache-place.ts'
import type { History } from './history.ts'
import type { OpenHub } from './open-hub.ts'
import type { MachineWatch } from '../machine/machine-watch.ts'
import type { PauseSwitch } from './pause-switch.ts'
import type { SavingsMeter } from './savings.ts'
import type { Serving } from './serving.ts'
import type { Updater } from '../updates/updater.ts'
import type { VitalSigns } from './vital-signs.ts'

/** Everything a started agent consists of. */
export interface AgentParts {
  readonly history: History
  readonly traffic: Traffic
  readonly hashes: HashPool
  readonly place: CachePlace
  readonly cache: Cache
  readonly origin: OriginClient
  readonly network: PeerNetwork
  readonly claims: Claims
  readonly hub: OpenHub
  readonly transfers: Transfers
  readonly requests: Requests
  readonly discardedBytes: () => number
  readonly readings: Readings
  readonly pause: PauseSwitch
  readonly rates: Rates
  readonly precache: Precache
  readonly vitals: VitalSigns
  readonly machine: MachineWatch
  readonly savings: SavingsMeter
  readonly serving: Serving
  readonly updates: Updater | undefined
}
