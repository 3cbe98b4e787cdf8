// The process of a hub that lies; what about is read from a file each time.
import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { FromHub } from '../../src-main/contract/hub-messages.ts'
import type { ClaimDecision } from '../../src-main/contract/peer-messages.ts'
import type { PeerId } from '../../src-main/contract/ids.ts'
import { Settings } from '../../src-main/contract/settings.ts'
import { systemClock } from '../../src-main/lib/clock.ts'
import { createPeerNetwork } from '../../src-main/peers/create-network.ts'
import { makeCard } from '../../src-main/peers/far/contact-card.ts'
import { loadIdentity } from '../../src-main/peers/fleet/identity.ts'
import { PieceBuffers } from '../../src-main/pieces/piece-buffers.ts'
import { keptLog } from '../../src-main/testing/kept-log.ts'
import type { HubLie } from './lying-hub.ts'

const [dir = '', file = '', siteKey = '', origin = ''] = process.argv.slice(2)
const settings = Settings.parse({
  fleet: { siteKey },
  discovery: { beacon: false },
  hub: { serve: true }
})
const network = await createPeerNetwork({
  dataDir: dir,
  name: 'liar',
  version: '0.0.0',
  weight: () => 0,
  settings: { ...settings, uploadSlots: 8 },
  clock: systemClock,
  log: keptLog(),
  buffers: new PieceBuffers(systemClock),
  source: { isSmall: () => false, openServed: async () => undefined }
})

/** Where the card of a made-up PC says it is. */
const places: Partial<Record<HubLie, string[]>> = {
  'dead-holders': ['10.77.1.99', '10.77.2.99', '10.77.3.99'],
  loopback: ['127.0.0.1'],
  origin: [origin],
  'router-ssh': ['10.77.1.1', '10.77.2.1', '10.77.3.1', '10.77.4.1'],
  outside: ['203.0.113.9'],
  'foreign-signature': ['10.77.2.11']
}
const made = new Map<string, { id: PeerId; card: string }[]>()
for (const [lie, addresses] of Object.entries(places))
  made.set(
    lie,
    await Promise.all(
      addresses.map(async (address, i) => {
        const folder = path.join(dir, `${lie}-${i}`)
        mkdirSync(folder)
        const identity = await loadIdentity(folder, { log: keptLog(), clock: systemClock } as never)
        const port = lie === 'dead-holders' || lie === 'foreign-signature' ? 4726 : 22
        const card = makeCard(identity, Date.now(), [{ address, port }])
        if (lie === 'foreign-signature') card[card.length - 1]! ^= 1
        return { id: identity.id, card: card.toString('base64url') }
      })
    )
  )

const door = network.door!
const hello: FromHub = { t: 'hub.hello', name: 'liar', site: 'everywhere', version: '0.0.0', leaseMs: 5000 }
door.on('message', (from, message) => {
  if (message.t === 'hub.card') return void door.send(from, hello)
  if (message.t !== 'claim.put') return
  const lie = readFileSync(file, 'utf8') as HubLie
  if (lie === 'silence') return
  const decision: Omit<ClaimDecision, 'epoch' | 'master' | 'holders'> = {
    t: 'claim.decision',
    key: message.key,
    leaseMs: 5000,
    masters: [],
    candidates: [],
    why: 'a lie'
  }
  if (lie === 'crowns-all') return void door.send(from, { ...decision, epoch: 1, master: from, holders: [] })
  const named = made.get(lie) ?? []
  door.send(from, { t: 'hub.cards', cards: named })
  door.send(from, { ...decision, epoch: 1, master: null, holders: named.map(({ id }) => ({ id, complete: true })) })
})
await network.start()
process.stdout.write('{"ready":true}\n')
