import type { FromHub, ToHub } from '../src-main/contract/hub-messages.ts'
import type { ContentKey, PeerId } from '../src-main/contract/ids.ts'
import { Hub } from '../src-main/hub/hub.ts'
import { systemClock } from '../src-main/lib/clock.ts'

const key = `site:${'5a'.repeat(32)}` as ContentKey
const tag = '6b'.repeat(64)
const signer = { spki: 'MFkw', proof: 'c2l0ZQ' }
const other = 'd2'.repeat(32) as PeerId

/** A hub with one member, and one message of each kind in both directions. */
export function hubVictim(card: string, member: PeerId): { hub: Hub; toHub: ToHub[]; fromHub: FromHub[] } {
  const hub = new Hub({
    self: 'e3'.repeat(32) as PeerId,
    name: 'hub',
    version: '0.1.0',
    clock: systemClock,
    election: { leaseMs: 5000, settleMs: 0 },
    sites: [],
    maxConnections: 10,
    maxContents: 10,
    send: () => {},
    onFlood: () => {},
    onElected: () => {}
  })
  hub.joined(member, '10.0.0.7')
  hub.message(member, { t: 'hub.card', card: null, site: null, name: 'pc' })
  const put = { role: 'seeking', pieces: 0, pieceCount: 9, bytes: 0, weight: 50, eligible: true } as const
  const decision = { epoch: 1, master: other, leaseMs: 5000, holders: [{ id: other, complete: true }] }
  return {
    hub,
    toHub: [
      { t: 'hub.card', card, site: 'Bremen', name: 'pc', version: '0.1.0', deposit: true },
      { t: 'hub.offer', key, tag, lengthBytes: 9_000_000, signers: [signer] },
      { t: 'hub.moves', key, bytes: 1_000_000 },
      { t: 'hub.ask', key, tag, lengthBytes: 9_000_000 },
      { t: 'hub.totals', originBytes: 1, peerBytes: 2, cacheBytes: 3, failed: 4 },
      { t: 'hub.wan', bytesPerSecond: 1_000_000, to: other },
      { t: 'hub.hold', key, hours: 168 },
      { t: 'hub.drop', keys: [key] },
      { t: 'hub.failed', key, id: other, problem: 'unreachable' },
      { t: 'hub.alone', key, why: 'site-stalled' },
      { t: 'claim.put', key, ...put, epoch: 0, master: null, masters: [{ epoch: 1, master: other }] },
      { t: 'claim.report', key, epoch: 1, problem: 'stalled' },
      { t: 'claim.resign', key, epoch: 1, why: 'paused' },
      { t: 'claim.close', key }
    ],
    fromHub: [
      {
        t: 'hub.hello',
        name: 'hub',
        site: 'Bremen',
        version: '0.1.0',
        leaseMs: 5000,
        cluster: other,
        totals: true,
        deposit: true,
        apart: true,
        wallMs: 1_800_000_000_000
      },
      { t: 'hub.bring', key },
      { t: 'hub.kept', to: 'ask', key, lengthBytes: 9_000_000, map: '/4A=', signers: [signer] },
      { t: 'hub.came', key, pieces: [0, 8], signers: [signer], bytes: 2_000_000 },
      { t: 'hub.budget', bytesPerSecond: 1_000_000, by: other },
      { t: 'hub.cards', cards: [{ id: other, card }] },
      { t: 'hub.busy', key, retryMs: 1000 },
      { t: 'claim.decision', key, ...decision, masters: [], candidates: [], why: 'highest weight' }
    ]
  }
}

/** Undefined for what is not JSON: that ends the connection before any schema. */
export function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
}
