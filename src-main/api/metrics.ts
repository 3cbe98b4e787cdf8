import type { Registry } from 'prom-client'
import { finalRequestStates } from '../contract/request.ts'
import type { AgentSnapshot } from '../contract/snapshot.ts'

/** Content type of {@link Metrics.text}. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Sites with figures of their own. */
const MOST_SITES = 200

type Sample = readonly [value: number, labels?: Readonly<Record<string, string>>]

interface Metric {
  readonly name: string
  readonly kind: 'counter' | 'gauge'
  readonly help: string
  readonly read: (snapshot: AgentSnapshot) => readonly Sample[]
}

const countBy = (names: readonly string[]): readonly Sample[] =>
  [...Map.groupBy(names, (name) => name)].map(([state, all]) => [all.length, { state }])

const sitesOf = ({ serving }: AgentSnapshot['hub']) => (serving?.sites ?? []).slice(0, MOST_SITES)

/** Everything that is told to Prometheus. Counters count from the start of the agent. Nothing names a URL, a content or a peer. */
const metrics: readonly Metric[] = [
  {
    name: 'larder_info',
    kind: 'gauge',
    help: 'Always 1; the version is in the label.',
    read: ({ version }) => [[1, { version }]]
  },
  {
    name: 'larder_start_time_seconds',
    kind: 'gauge',
    help: 'When the agent started, seconds since 1970.',
    read: ({ startedAt }) => [[startedAt / 1000]]
  },
  {
    name: 'larder_received_bytes_total',
    kind: 'counter',
    help: 'Verified bytes by where they came from, each counted once.',
    read: ({ totals }) => [
      [totals.originBytes, { source: 'origin' }],
      [totals.peerBytes, { source: 'peers' }],
      [totals.cacheBytes, { source: 'cache' }]
    ]
  },
  {
    name: 'larder_served_bytes_total',
    kind: 'counter',
    help: 'Bytes served to peers.',
    read: ({ totals }) => [[totals.servedBytes]]
  },
  {
    name: 'larder_origin_discarded_bytes_total',
    kind: 'counter',
    help: 'Bytes that came from origins and were of no use: of broken attempts, of versions that changed.',
    read: ({ totals }) => [[totals.discardedBytes]]
  },
  {
    name: 'larder_gateway_bypassed_total',
    kind: 'counter',
    help: 'Questions the gateway passed on to origins past cache and peers.',
    read: ({ totals }) => [[totals.bypassed]]
  },
  {
    name: 'larder_sampled_bytes_total',
    kind: 'counter',
    help: 'Bytes asked of origins only to compare what peers gave.',
    read: ({ totals }) => [[totals.sampledBytes]]
  },
  {
    name: 'larder_verified_requests_total',
    kind: 'counter',
    help: 'Finished requests by what their bytes were verified by.',
    read: ({ totals }) => Object.entries(totals.verified).map(([by, count]) => [count, { by }] as const)
  },
  {
    name: 'larder_fallbacks_total',
    kind: 'counter',
    help: 'Transfers that gave up waiting for others and went to the origin.',
    read: ({ totals }) => [[totals.fallbacks]]
  },
  {
    name: 'larder_saved_ratio',
    kind: 'gauge',
    help: 'Part of what this PC got that did not come from an origin, by calendar days; absent where it got nothing.',
    read: ({ savings }) =>
      Object.entries(savings).flatMap(([window, { savedShare }]) =>
        savedShare === null ? [] : [[savedShare, { window }] as const]
      )
  },
  {
    name: 'larder_peers',
    kind: 'gauge',
    help: 'Other agents by state.',
    read: ({ peers }) => countBy(peers.map(({ state }) => state))
  },
  {
    name: 'larder_far_peers',
    kind: 'gauge',
    help: 'PCs of other subnets that are connected.',
    read: ({ peers }) => [[peers.filter(({ far, state }) => far && state === 'connected').length]]
  },
  {
    name: 'larder_hubs',
    kind: 'gauge',
    help: 'Hubs in the settings by state.',
    read: ({ hub }) => countBy(hub.hubs.map(({ state }) => state))
  },
  {
    name: 'larder_hub_members',
    kind: 'gauge',
    help: 'PCs that use this one as their hub.',
    read: ({ hub }) => [[hub.serving?.members ?? 0]]
  },
  {
    name: 'larder_hub_site_members',
    kind: 'gauge',
    help: 'At a hub: PCs of each site.',
    read: ({ hub }) => sitesOf(hub).map(({ name, members }) => [members, { site: name }])
  },
  {
    name: 'larder_hub_site_received_bytes',
    kind: 'gauge',
    help: 'At a hub: what the PCs of each site got in the last 28 days, by where it came from.',
    read: ({ hub }) =>
      sitesOf(hub).flatMap(({ name, totals }): Sample[] =>
        totals
          ? [
              [totals.originBytes, { source: 'origin', site: name }],
              [totals.peerBytes, { source: 'peers', site: name }],
              [totals.cacheBytes, { source: 'cache', site: name }]
            ]
          : []
      )
  },
  {
    name: 'larder_hub_site_failed_requests',
    kind: 'gauge',
    help: 'At a hub: failed requests of the PCs of each site since they started.',
    read: ({ hub }) => sitesOf(hub).map(({ name, totals }) => [totals?.failed ?? 0, { site: name }])
  },
  {
    name: 'larder_hub_store_connected',
    kind: 'gauge',
    help: 'At a hub that shares a store: 1 while it is connected.',
    read: ({ hub }) =>
      hub.serving === null || hub.serving.store === 'none' ? [] : [[Number(hub.serving.store === 'connected')]]
  },
  {
    name: 'larder_hub_contents',
    kind: 'gauge',
    help: 'At a hub: contents that are claimed now, or whose holders are remembered.',
    read: ({ hub }) => {
      const sum = (of: 'contents' | 'remembered') => (hub.serving?.sites ?? []).reduce((all, site) => all + site[of], 0)
      return [
        [sum('contents'), { state: 'claimed' }],
        [sum('remembered'), { state: 'remembered' }]
      ]
    }
  },
  {
    name: 'larder_hub_went_alone',
    kind: 'counter',
    help: 'At a hub: downloads that a subnet went on with by itself although another one had or got the content.',
    read: ({ hub }) => [[(hub.serving?.sites ?? []).reduce((all, { wentAlone }) => all + wentAlone, 0)]]
  },
  {
    name: 'larder_hub_deposit_bytes',
    kind: 'gauge',
    help: 'At a hub with a deposit: bytes in it, and as many as may be.',
    read: ({ hub }) => {
      const deposit = hub.serving?.deposit
      return deposit
        ? [
            [deposit.bytes, { of: 'kept' }],
            [deposit.maxBytes, { of: 'limit' }]
          ]
        : []
    }
  },
  {
    name: 'larder_hub_deposit_contents',
    kind: 'gauge',
    help: 'At a hub with a deposit: contents in it, and those of which all is there.',
    read: ({ hub }) => {
      const deposit = hub.serving?.deposit
      return deposit
        ? [
            [deposit.contents, { state: 'all' }],
            [deposit.complete, { state: 'complete' }]
          ]
        : []
    }
  },
  {
    name: 'larder_hub_deposit_moved_bytes',
    kind: 'counter',
    help: 'At a hub with a deposit: brought by PCs, and taken by others, in this run.',
    read: ({ hub }) => {
      const deposit = hub.serving?.deposit
      return deposit
        ? [
            [deposit.broughtBytes, { way: 'brought' }],
            [deposit.takenBytes, { way: 'taken' }]
          ]
        : []
    }
  },
  {
    name: 'larder_requests',
    kind: 'gauge',
    help: 'Unfinished requests by state.',
    read: ({ requests }) =>
      countBy(requests.map(({ state }) => state).filter((state) => !finalRequestStates.includes(state)))
  },
  {
    name: 'larder_transfers',
    kind: 'gauge',
    help: 'Transfers by state; holding ones are finished and serve others.',
    read: ({ transfers }) => countBy(transfers.map(({ state }) => state))
  },
  {
    name: 'larder_uploads',
    kind: 'gauge',
    help: 'Uploads to peers under way.',
    read: ({ uploads }) => [[uploads.length]]
  },
  {
    name: 'larder_integration_enabled',
    kind: 'gauge',
    help: '1 when programs on this PC are served.',
    read: ({ integration }) => [[integration.enabled ? 1 : 0]]
  },
  {
    name: 'larder_paused',
    kind: 'gauge',
    help: '1 while all transfers are paused.',
    read: ({ paused }) => [[paused === null ? 0 : 1]]
  },
  {
    name: 'larder_fleet_member',
    kind: 'gauge',
    help: '1 when this PC belongs to a fleet.',
    read: ({ fleet }) => [[fleet.member ? 1 : 0]]
  },
  {
    name: 'larder_cache_contents',
    kind: 'gauge',
    help: 'Complete contents in the cache.',
    read: ({ cache }) => [[cache.entries]]
  },
  {
    name: 'larder_cache_bytes',
    kind: 'gauge',
    help: 'Bytes in the cache.',
    read: ({ cache }) => [
      [cache.bytes, { part: 'complete' }],
      [cache.partialBytes, { part: 'partial' }]
    ]
  },
  {
    name: 'larder_cache_limit_bytes',
    kind: 'gauge',
    help: 'Size limit of the cache.',
    read: ({ cache }) => [[cache.maxBytes]]
  },
  {
    name: 'larder_cache_free_bytes',
    kind: 'gauge',
    help: 'Free bytes on the disk of the cache; absent when unknown.',
    read: ({ cache }) => (cache.freeBytes === null ? [] : [[cache.freeBytes]])
  },
  {
    name: 'larder_cache_evictions_total',
    kind: 'counter',
    help: 'Contents evicted.',
    read: ({ cache }) => [[cache.evictions]]
  },
  {
    name: 'larder_cache_disk_full',
    kind: 'gauge',
    help: '1 while the disk of the cache is full.',
    read: ({ cache }) => [[cache.diskFull ? 1 : 0]]
  },
  {
    name: 'larder_process_cpu_seconds_total',
    kind: 'counter',
    help: 'Processor time of the agent, seconds.',
    read: ({ process }) => [[process.cpuSeconds]]
  },
  {
    name: 'larder_process_resident_bytes',
    kind: 'gauge',
    help: 'Resident memory of the agent.',
    read: ({ process }) => [[process.rssBytes]]
  },
  {
    name: 'larder_event_loop_p99_seconds',
    kind: 'gauge',
    help: 'Event-loop delay of the last minute with work, 99th percentile.',
    read: ({ process }) => [[process.eventLoopP99Ms / 1000]]
  }
]

/** The agent's figures in Prometheus' text format. */
export class Metrics {
  readonly #snapshot: () => AgentSnapshot
  #registry: Promise<Registry> | undefined
  /** What one answer is made of. */
  #current: AgentSnapshot | undefined

  constructor(snapshot: () => AgentSnapshot) {
    this.#snapshot = snapshot
  }

  async text(): Promise<string> {
    const registry = await (this.#registry ??= this.#register())
    this.#current = this.#snapshot()
    return registry.metrics()
  }

  /** The library is loaded when somebody asks for the first time. */
  async #register(): Promise<Registry> {
    const { Counter, Gauge, Registry } = await import('prom-client')
    const registry = new Registry()
    for (const { name, kind, help, read } of metrics) {
      const samples = () => (this.#current ? read(this.#current) : [])
      const labelNames = ['version', 'source', 'window', 'state', 'part', 'by', 'site']
      // The agent counts; a counter here only shows its totals.
      const options = { name, help, labelNames, registers: [] }
      const metric =
        kind === 'gauge'
          ? new Gauge({
              ...options,
              collect() {
                this.reset()
                for (const [value, labels = {}] of samples()) this.set(labels, value)
              }
            })
          : new Counter({
              ...options,
              collect() {
                this.reset()
                for (const [value, labels = {}] of samples()) this.inc(labels, value)
              }
            })
      registry.registerMetric(metric)
    }
    return registry
  }
}
