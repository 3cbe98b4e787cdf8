import type { ByteCounts } from '../cache/savings-table.ts'
import type { AgentEvent } from '../contract/events.ts'
import type { RequestView } from '../contract/request.ts'
import type { AgentSnapshot } from '../contract/snapshot.ts'
import { API_VERSION } from '../contract/version.ts'
import type { AgentParts } from './agent-parts.ts'
import { hubView } from './open-hub.ts'

/** What a snapshot shows beside the parts. */
export interface AgentFacts {
  readonly name: string
  readonly seq: number
  readonly wallMs: number
  readonly version: string
  readonly state: AgentSnapshot['state']
  readonly startedAt: number
  readonly integration: AgentSnapshot['integration']
  readonly apiPort: number | null
  readonly gatewayPort: number | null
  readonly fallbacks: number
  readonly bypassed: number
  readonly events: AgentEvent[]
}

/** Bytes of this run by where they came from, each counted once, and bytes served to peers. */
export function byteTotals(parts: Pick<AgentParts, 'requests' | 'transfers' | 'readings'> | undefined): ByteCounts {
  if (!parts) return { originBytes: 0, peerBytes: 0, cacheBytes: 0, servedBytes: 0 }
  const { requests, transfers, readings } = parts
  const { originBytes, peerBytes } = transfers.totals
  return {
    originBytes: originBytes + requests.totals.originBytes + readings.originBytes,
    peerBytes,
    cacheBytes: requests.totals.cacheBytes,
    servedBytes: transfers.servedBytes
  }
}

/** Finished downloads of earlier runs and those of this one, oldest first. */
export function requestViews({ history, requests }: Pick<AgentParts, 'history' | 'requests'>): RequestView[] {
  const views = requests.views()
  return [...history.others(new Set(views.map(({ id }) => id))), ...views]
}

/** Puts together what a window, the API and the tests see of an agent. */
export function composeSnapshot(parts: AgentParts, facts: AgentFacts): AgentSnapshot {
  const { precache, network, claims, transfers, place, cache, pause, rates, vitals, serving } = parts
  const allRequests = requestViews(parts)
  const urlOf = new Map(allRequests.filter((r) => r.key !== null).map((r) => [r.key, r.url]))
  return {
    agentId: network.self,
    name: facts.name,
    bootId: network.bootId,
    seq: facts.seq,
    at: facts.wallMs,
    version: facts.version,
    apiVersion: API_VERSION,
    state: facts.state,
    startedAt: facts.startedAt,
    integration: facts.integration,
    paused: pause.state,
    servingStopped: serving.stopped,
    rates: rates.view(),
    fleet: network.fleet(),
    ports: { api: facts.apiPort, gateway: facts.gatewayPort, ...network.ports() },
    weight: serving.weight,
    interfaces: network.interfaces(),
    hub: hubView(parts),
    peers: network.view().map((peer) => {
      const leftOut = peer.id === null ? undefined : transfers.leftOut(peer.id)
      return leftOut ? { ...peer, leftOut } : peer
    }),
    masters: claims.view().map((m) => ({
      ...m,
      url: urlOf.get(m.key) ?? null,
      masterName: m.master === null ? null : network.nameOf(m.master),
      coordinatorName: m.coordinator === null ? null : network.nameOf(m.coordinator)
    })),
    transfers: transfers.views(),
    requests: allRequests,
    uploads: network.uploads(),
    cache: cache.stats(),
    cacheNext: place.next,
    precache: precache.view(),
    totals: {
      ...byteTotals(parts),
      sampledBytes: transfers.sampledBytes,
      verified: { ...parts.requests.verified },
      fallbacks: facts.fallbacks,
      bypassed: facts.bypassed,
      discardedBytes: parts.discardedBytes()
    },
    traffic: parts.traffic.counters,
    savings: parts.savings.read(),
    process: vitals.read(),
    events: facts.events
  }
}
