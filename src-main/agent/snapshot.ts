import type { AgentEvent } from '../contract/events.ts'
import type { AgentSnapshot } from '../contract/snapshot.ts'
import { API_VERSION } from '../contract/version.ts'
import type { AgentParts } from './agent-parts.ts'
import type { Weight } from './weigh-machine.ts'

/** What a snapshot shows beside the parts. */
export interface AgentFacts {
  readonly name: string
  readonly seq: number
  readonly wallMs: number
  readonly version: string
  readonly state: AgentSnapshot['state']
  readonly startedAt: number
  readonly apiPort: number | null
  readonly weight: Weight
  readonly fallbacks: number
  readonly events: AgentEvent[]
}

/** Puts together what a window, the API and the tests see of an agent. */
export function composeSnapshot(parts: AgentParts, facts: AgentFacts): AgentSnapshot {
  const { precache, network, claims, transfers, requests, place, cache, integration, pause, rates, vitals } = parts
  const requestViews = requests.views()
  const urlOf = new Map(requestViews.filter((r) => r.key !== null).map((r) => [r.key, r.url]))
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
    integration: integration.state,
    paused: pause.state,
    rates: rates.view(),
    fleet: network.fleet(),
    ports: { api: facts.apiPort, ...network.ports() },
    weight: facts.weight,
    interfaces: network.interfaces(),
    peers: network.view(),
    masters: claims.view().map((m) => ({
      ...m,
      url: urlOf.get(m.key) ?? null,
      masterName: m.master === null ? null : network.nameOf(m.master),
      coordinatorName: m.coordinator === null ? null : network.nameOf(m.coordinator)
    })),
    transfers: transfers.views(),
    requests: requestViews,
    uploads: network.uploads(),
    cache: cache.stats(),
    cacheNext: place.next,
    precache: precache.view(),
    totals: {
      originBytes: requests.totals.originBytes + transfers.totals.originBytes,
      peerBytes: transfers.totals.peerBytes,
      cacheBytes: requests.totals.cacheBytes,
      servedBytes: transfers.servedBytes,
      fallbacks: facts.fallbacks
    },
    process: vitals.read(),
    events: facts.events
  }
}
