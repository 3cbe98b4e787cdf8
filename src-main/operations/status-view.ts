import type { StatusView } from '../contract/api.ts'
import { groupOf } from '../contract/progress.ts'
import type { AgentSnapshot } from '../contract/snapshot.ts'

/** The short form of a snapshot. */
export function statusView(snapshot: AgentSnapshot): StatusView {
  const { name, version, state, startedAt, integration, paused, fleet, ports, weight, cache, totals, savings } =
    snapshot
  return {
    name,
    version,
    pid: snapshot.process.pid,
    state,
    startedAt,
    integration,
    paused,
    fleet,
    ports,
    weight,
    peersConnected: snapshot.peers.filter((peer) => peer.state === 'connected').length,
    peersSeen: snapshot.peers.length,
    requestsRunning: snapshot.requests.filter((request) => groupOf(request) === 'active').length,
    requestsWaiting: snapshot.requests.filter((request) => groupOf(request) === 'waiting').length,
    transfersRunning: snapshot.transfers.filter(({ state }) => state !== 'holding' && state !== 'failed').length,
    uploadsRunning: snapshot.uploads.length,
    cache,
    totals,
    savings
  }
}
