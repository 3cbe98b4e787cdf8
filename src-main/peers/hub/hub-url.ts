import { DEFAULT_PORTS } from '../../contract/version.ts'
import { parseSeed, type Seed } from '../discovery/seed.ts'

/** Where one hub is. */
export type HubPlace =
  /** On the peer port of its agent. */
  | { readonly is: 'direct'; readonly seed: Seed }
  /** Behind a reverse proxy. */
  | { readonly is: 'tunnel'; readonly url: string }

/** Reads `larder://host:port` and `https://host/path/`. @returns undefined when it is neither */
export function placeOfHub(url: string): HubPlace | undefined {
  if (/^https?:/i.test(url)) return { is: 'tunnel', url }
  const seed = parseSeed(url.replace(/^larder:\/\//i, '').replace(/\/$/, ''), DEFAULT_PORTS.peer)
  return seed && { is: 'direct', seed }
}
