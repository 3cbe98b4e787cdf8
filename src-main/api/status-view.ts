import type { StatusView } from '../contract/api.ts'
import { finalRequestStates } from '../contract/request.ts'
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
    requestsRunning: snapshot.requests.filter((request) => !finalRequestStates.includes(request.state)).length,
    transfersRunning: snapshot.transfers.filter(
      (transfer) => transfer.state !== 'holding' && transfer.state !== 'failed'
    ).length,
    uploadsRunning: snapshot.uploads.length,
    cache,
    totals,
    savings
  }
}
