import type { AgentSnapshot, MasterView, PeerView } from '../../../src-main/contract/snapshot.ts'

const order: Record<PeerView['state'], number> = { connected: 0, connecting: 1, seen: 2, refused: 3, lost: 4 }
export const peerStateLabels: Record<PeerView['state'], string> = {
  connected: 'Connected',
  connecting: 'Connecting',
  seen: 'Seen',
  refused: 'Refused',
  lost: 'Gone'
}

/** Peers as people look for them: those in use first, then by name. */
export function peersInOrder(peers: readonly PeerView[]): PeerView[] {
  return peers.toSorted(
    (a, b) => order[a.state] - order[b.state] || a.name.localeCompare(b.name) || a.address.localeCompare(b.address)
  )
}

/** Elections that matter now and contents that nobody has to download any more; those this PC is master of first, then the newest. */
export function electionsOf(masters: readonly MasterView[]): {
  readonly running: MasterView[]
  readonly finished: MasterView[]
} {
  const ordered = masters.toSorted(
    (a, b) => Number(b.self) - Number(a.self) || b.since - a.since || (a.key < b.key ? -1 : 1)
  )
  return { running: ordered.filter((m) => !m.finished), finished: ordered.filter((m) => m.finished) }
}

/** Who downloads a content from the origin, or that nobody has to any more. */
export function masterSentence({
  self,
  finished,
  masterName
}: Pick<MasterView, 'self' | 'finished' | 'masterName'>): string {
  if (finished) return 'Finished'
  if (self) return 'This PC is the master'
  return masterName === null ? 'No master yet' : `Master: ${masterName}`
}

export interface Serving {
  readonly peer: string
  readonly peerName: string
  readonly bytes: number
  readonly since: number
  /** Content keys, with the URL where this PC asked for the content too. */
  readonly contents: readonly { readonly key: string; readonly url: string | null }[]
}

/** What goes out now, one row per PC; who gets the most first. */
export function servingNow(snapshot: Pick<AgentSnapshot, 'uploads' | 'requests' | 'transfers'>): Serving[] {
  const urls = new Map<string, string>([
    ...snapshot.transfers.map((t) => [t.key, t.url] as const),
    ...snapshot.requests.flatMap((r) => (r.key === null ? [] : [[r.key, r.url] as const]))
  ])
  const rows = new Map<
    string,
    { peer: string; peerName: string; bytes: number; since: number; contents: Map<string, string | null> }
  >()
  for (const { peer, peerName, key, bytes, since } of snapshot.uploads) {
    const row = rows.get(peer) ?? { peer, peerName, bytes: 0, since, contents: new Map() }
    row.bytes += bytes
    row.since = Math.min(row.since, since)
    row.contents.set(key, urls.get(key) ?? null)
    rows.set(peer, row)
  }
  return [...rows.values()]
    .map((row) => ({ ...row, contents: [...row.contents].map(([key, url]) => ({ key, url })) }))
    .toSorted((a, b) => b.bytes - a.bytes || a.peerName.localeCompare(b.peerName))
}
