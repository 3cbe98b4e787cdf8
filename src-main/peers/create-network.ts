import { believing } from './fleet/believed.ts'
import { CaFleet } from './fleet/ca-fleet.ts'
import { loadIdentity } from './fleet/identity.ts'
import { siteKeyMembership } from './fleet/membership.ts'
import { siteKeysOf } from './fleet/site-key-file.ts'
import { stretchSiteKey } from './fleet/site-key.ts'
import { LanNetwork } from './lan-network.ts'
import type { PeerNetworkOptions } from './network-options.ts'
import type { PeerNetwork } from './network.ts'

/**
 * Reads or makes the device identity and sets up the peer network; `start` opens its ports. A device enrolled at a fleet CA is
 * a member by that, whatever site key is set; without either there is an identity and nothing else: no port, no beacon, no peer.
 * @throws SITE_KEY_INVALID; FLEET_INVALID when the enrolment cannot be used; INTERNAL when the identity cannot be kept
 */
export async function createPeerNetwork(options: PeerNetworkOptions): Promise<PeerNetwork> {
  const [siteKey, otherSiteKey] = siteKeysOf(options.settings.fleet)
  for (const key of [siteKey, otherSiteKey]) if (key !== undefined) await stretchSiteKey(key)
  const bySiteKey = siteKey === undefined ? undefined : siteKeyMembership(siteKey, otherSiteKey)
  const identity = await loadIdentity(options.dataDir, options)
  const ca = await CaFleet.open(options.dataDir, { ...options, identity, random: options.random ?? Math.random })
  const proven = ca?.membership ?? bySiteKey
  const membership = proven && options.distrusts ? believing(proven, options.distrusts) : proven
  return new LanNetwork(options, identity, { ca, membership })
}
