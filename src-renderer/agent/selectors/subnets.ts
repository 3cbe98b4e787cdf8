import type { HubLinkView } from '../../../src-main/contract/hub-view.ts'
import type { PeerView, SiteShareView, TransferView } from '../../../src-main/contract/snapshot.ts'

export const hubStateLabels: Record<HubLinkView['state'], string> = {
  connected: 'Connected',
  connecting: 'Connecting',
  lost: 'Lost',
  refused: 'Refused',
  self: 'This PC'
}

/** What a hub means for this PC, which may have others. */
export function hubSentence(
  { url, name, state, site, reason }: HubLinkView,
  hubs: readonly HubLinkView[] = []
): string {
  const where = name === null ? '' : `${url} · `
  if (state === 'connected')
    return `${where}${site === null ? 'It takes this PC to be in no site: its subnet downloads by itself.' : `Site: ${site}`}`
  if (state === 'self') return `${where}This PC is this hub.`
  const why = reason === null ? '' : `It ${reason}. `
  const another = hubs.some((hub) => hub.state === 'connected' && hub.site !== null)
  return `${where}${why}${another ? 'Another hub stands in for it.' : 'Until it can be reached, this subnet downloads by itself.'}`
}

/** Subnets with PCs that are connected, in their order. */
export function otherSubnets(peers: readonly PeerView[]): { readonly subnet: string; readonly names: string[] }[] {
  const far = peers.filter((peer) => peer.far && peer.state === 'connected')
  return [...Map.groupBy(far, ({ subnet, address }) => subnet ?? address)]
    .map(([subnet, of]) => ({ subnet, names: of.map(({ name }) => name).toSorted((a, b) => a.localeCompare(b)) }))
    .toSorted((a, b) => a.subnet.localeCompare(b.subnet, 'en', { numeric: true }))
}

/** Downloads for which this PC stands between its subnet and others. */
export function sharesOf(
  transfers: readonly TransferView[]
): { readonly key: string; readonly url: string; readonly site: SiteShareView }[] {
  return transfers.flatMap(({ key, url, site }) => (site ? [{ key, url, site }] : []))
}

export function shareSentence({ phase, from }: SiteShareView): string {
  switch (phase) {
    case 'asking':
      return 'Asks the hub who downloads it'
    case 'leased':
      return 'This PC downloads it for the site'
    case 'alone':
      return 'This PC downloads it for its subnet'
    case 'relaying':
      if (from === null) return 'Comes from another subnet; this PC passes it on'
      if (from.deposit) return `Comes from ${from.name}; this PC passes it on`
      return `${from.name} in ${from.subnet} ${from.had ? 'had it' : 'downloads it for the site'}; this PC passes it on`
  }
}
