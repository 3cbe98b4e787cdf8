// One PC's peer side in a process of its own: it holds a content, coordinates, and says how much memory it takes.
import { NetworkClaimLink } from '../src-main/agent/claim-link.ts'
import { createClaims } from '../src-main/claims/claims-service.ts'
import type { ContentKey } from '../src-main/contract/ids.ts'
import { systemClock } from '../src-main/lib/clock.ts'
import { keepYoungHeapSmall } from '../src-main/lib/small-heap.ts'
import { memorySource, VirtualLan, type LanPeer } from '../src-main/testing/virtual-lan.ts'

// As an agent does.
keepYoungHeapSmall()
const [siteKey, key, lengthBytes] = process.argv.slice(2) as [string, ContentKey, string]
const lan = await VirtualLan.open()
const content = memorySource(key, Number(lengthBytes), () => peer.network)
const told: string[] = []
const peer: LanPeer = await lan.make({
  name: 'victim',
  siteKey,
  seeds: [],
  source: content.source,
  // Other loopback addresses stand for other PCs.
  countsIdentities: (address) => address !== '127.0.0.1'
})
const { network } = peer
const link = new NetworkClaimLink(network)
const claims = createClaims({
  link,
  clock: systemClock,
  settings: { windowMs: 200, settleMs: 0, leaseMs: 5000 },
  holdings: (asked) => (asked === key ? { pieces: content.plan.count, complete: true } : undefined),
  onFlood: (id) => network.noteFlood(id, 'asks for more contents than its share')
})
network.on('connected', ({ id }) => link.emit('joined', id))
network.on('lost', ({ id }) => link.emit('lost', id))
network.on('refused', ({ id, reason }) => told.push(`${id ?? ''} ${reason}`))
network.on('message', (from, message) => {
  if (message.t.startsWith('claim.')) link.emit('message', from, message as never)
  else if (message.t === 'swarm.join' && message.key === key)
    network.send(from, {
      t: 'swarm.have',
      key,
      lengthBytes: content.plan.lengthBytes,
      map: '',
      complete: true,
      signers: []
    })
})
claims.start()
await network.start()
process.send!({ port: network.ports().peer, id: network.self })
const report = setInterval(() => {
  const { rss } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  process.send!({ rss, cpuMs: (user + system) / 1000, connected: network.connected().length, told: told.length })
}, 250)
process.once('disconnect', () => {
  clearInterval(report)
  process.exit()
})
process.on('error', () => process.exit())
