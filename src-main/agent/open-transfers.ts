import type { BegunFiles } from '../placing/begun-files.ts'
import type { Cache } from '../cache/cache.ts'
import type { RequestView } from '../contract/request.ts'
import type { Clock } from '../lib/clock.ts'
import type { PartStack } from '../lib/part-stack.ts'
import type { OriginClient } from '../origin/origin.ts'
import type { PieceBuffers } from '../pieces/piece-buffers.ts'
import { createRecordVerifier } from '../pieces/record.ts'
import type { Rates } from '../rates/rates.ts'
import type { LiveSettings } from '../settings/live-settings.ts'
import type { TransferWorld } from '../transfers/job.ts'
import { Readings } from '../requests/reading.ts'
import { Requests } from '../requests/requests.ts'
import { LeftOutPeers } from '../transfers/left-out-peers.ts'
import { OriginSlots } from '../transfers/origin-slots.ts'
import { Traffic } from '../transfers/traffic.ts'
import { Transfers } from '../transfers/transfers.ts'
import type { Distrust } from '../transfers/verify/distrust.ts'
import { CachedCheck } from '../transfers/verify/cached-check.ts'
import { AnnouncedChecks } from '../transfers/verify/announced-checks.ts'
import { Evidence } from '../transfers/verify/evidence.ts'
import { Recalls } from '../transfers/verify/recalls.ts'
import { VersionCheck } from '../requests/version-check.ts'
import type { PeerId, Sha256Hex } from '../contract/ids.ts'
import type { Deliveries } from './deliveries.ts'
import type { EventLog } from './event-log.ts'
import type { Peers } from './open-peers.ts'
import type { Serving } from './serving.ts'

export interface TransfersWorld {
  readonly clock: Clock
  readonly settings: LiveSettings
  readonly cache: Cache
  readonly begunFiles: BegunFiles
  readonly origin: OriginClient
  readonly buffers: PieceBuffers
  readonly rates: Rates
  readonly networks: TransferWorld['networks']
  readonly distrust: Distrust
  readonly deliveries: Deliveries
  readonly serving: Serving
  readonly peers: Peers
  readonly site: TransferWorld['site']
  readonly events: EventLog
  /** Something a snapshot shows has changed. */
  readonly changed: () => void
  /** A request goes on, or a peer is served. */
  readonly worked: () => void
  readonly requestChanged: (view: RequestView) => void
}

/** What was asked for, and what runs because of it. Nothing in it has to be started. */
export interface OpenTransfers {
  readonly transfers: Transfers
  readonly evidence: Evidence
  /** What an administrator has recalled goes from the cache; to be called when the settings have changed. */
  readonly dropRecalled: () => void
  readonly requests: Requests
  readonly readings: Readings
  readonly traffic: Traffic
  /** Slots for downloads from origins; as many as the settings say. */
  readonly originSlots: OriginSlots
  /** Came from origins in this run and was of no use. */
  readonly discardedBytes: () => number
}

export async function openTransfers(parts: TransfersWorld, stack: PartStack): Promise<OpenTransfers> {
  const {
    clock,
    settings,
    begunFiles,
    cache,
    origin,
    buffers,
    rates,
    networks,
    distrust,
    deliveries,
    serving,
    peers,
    site,
    events,
    changed,
    worked,
    requestChanged
  } = parts
  const line = { moved: (): void => {} }
  const originSlots = new OriginSlots(settings.current.transfers.originConcurrency, clock, () => line.moved())
  let discardedBytes = 0
  const traffic = new Traffic(clock)
  const recalls = new Recalls({
    settings: () => settings.current.sharing.recalls,
    fleet: () => peers.network.recalled
  })
  const checks = new AnnouncedChecks({ clock, network: peers.network, random: Math.random })
  const world: TransferWorld = {
    clock,
    cache,
    begunFiles,
    traffic,
    origin,
    network: peers.network,
    claims: peers.claims,
    buffers,
    records: createRecordVerifier(),
    get settings() {
      return settings.current
    },
    originSlots,
    weight: () => serving.weight.value,
    emit: (type, text, facts) => events.add(type, text, facts),
    discarded: (bytes) => void (discardedBytes += bytes),
    changed,
    random: Math.random,
    networks,
    site,
    leftOut: new LeftOutPeers(peers.network, clock, (type, text, facts) => events.add(type, text, facts)),
    recalls,
    checks,
    get evidence() {
      return evidence
    }
  }
  const transfers = await stack.own(
    'transfers',
    () =>
      new Transfers(world, (bytes) => {
        worked()
        rates.noteUploaded(bytes)
        traffic.note('servedBytes', bytes)
      }),
    (t) => t.close()
  )
  // One for all that ask: what an origin has refused one of them, it is not asked for another.
  const versions = new VersionCheck(origin, clock)
  const cachedCheck = new CachedCheck(world, (bytes) => transfers.noteSampled(bytes))
  const requests = await stack.own(
    'requests',
    () =>
      new Requests({ world, transfers, versions, cachedCheck }, (view) => {
        worked()
        deliveries.note(view, () => signersOf(cache, view))
        requestChanged(view)
      }),
    (r) => r.close()
  )
  line.moved = () => requests.lineMoved()
  const evidence: Evidence = new Evidence({
    clock,
    cache,
    origin,
    network: peers.network,
    records: world.records,
    emit: world.emit,
    changed,
    distrust,
    versionOf: (key) => transfers.get(key)?.version,
    signed: (key, index) => transfers.get(key)?.signed(index),
    deliveries: {
      take: (sha256) => [...deliveries.take(sha256), ...beingDelivered(requests, sha256)],
      signedBy: (signer) => deliveries.signedBy(signer)
    }
  })
  const dropRecalled = () => {
    for (const sha256 of recalls.all()) {
      const reason = recalls.reason(sha256)
      if (reason !== undefined)
        void evidence.recall(sha256, `the administrator recalled it${reason === '' ? '' : `: ${reason}`}`)
    }
  }
  peers.network.on('recalled', dropRecalled)
  cache.on('added', ({ sha256 }) => {
    if (recalls.reason(sha256) !== undefined) dropRecalled()
  })
  peers.network.on('message', (from, message) => {
    if (message.t === 'evidence') void evidence.heard(from, message)
    if (message.t === 'check') checks.heard(from, message)
    if (message.t === 'kept.ask' || message.t === 'kept.have') transfers.kept.handle(from, message)
  })
  peers.network.on('lost', ({ id }) => checks.lost(id))
  return {
    transfers,
    evidence,
    dropRecalled,
    requests,
    readings: new Readings(world, requests, transfers, versions),
    originSlots,
    traffic,
    discardedBytes: () => discardedBytes
  }
}

/** Files that are being put in their places at this moment. */
function beingDelivered(requests: Requests, sha256: Sha256Hex): { url: string; destination: string }[] {
  return requests
    .views()
    .flatMap(({ url, destination, ...view }) =>
      view.sha256 === sha256 && view.state === 'delivering' && destination !== null ? [{ url, destination }] : []
    )
}

/** Who signed what a request got; nobody where a digest speaks for it, or this PC downloaded it itself. */
function signersOf(cache: Cache, { key, verifiedBy }: RequestView): PeerId[] {
  if (key === null || verifiedBy === 'digest' || verifiedBy === 'origin') return []
  return cache.provenance(key)?.signers?.map(({ id }) => id) ?? []
}
