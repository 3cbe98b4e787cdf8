import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import { Settings } from '../contract/settings.ts'
import { systemClock } from '../lib/clock.ts'
import { createPeerNetwork } from '../peers/create-network.ts'
import { PieceBuffers } from '../pieces/piece-buffers.ts'
import { seekingClaim } from './claim-put.ts'
import { contentAt } from './deposit-rig.ts'
import type { HubSite } from './hub-site.ts'
import { keptLog } from './kept-log.ts'

/** A member that claims a content at the hub of a site and brings rubbish of the right length, signed by itself. */
export async function startLyingDepositor(
  site: HubSite,
  { key, knowledge }: { key: ContentKey; knowledge: Buffer },
  lengthBytes: number
): Promise<{ readonly id: PeerId; stop(): Promise<void> }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'larder-liar-'))
  const [{ agent }] = site.hubs as [HubSite['hubs'][number]]
  const settings = Settings.parse({
    fleet: { siteKey: site.siteKey },
    ports: { peer: 0, beacon: 0 },
    discovery: { beacon: false, listenAddress: '127.0.0.1', includeLoopback: true },
    hub: { urls: [`larder://127.0.0.1:${agent.snapshot().ports.peer}`] }
  })
  const network = await createPeerNetwork({
    dataDir,
    name: 'mallory',
    version: '0.0.0',
    weight: () => 99,
    settings: { ...settings, uploadSlots: 8 },
    clock: systemClock,
    log: keptLog(),
    buffers: new PieceBuffers(systemClock),
    knowledge: (asked) => (asked === key ? knowledge : undefined),
    source: { isSmall: () => false, openServed: async () => undefined }
  })
  const name = network.blind(key)
  const content = contentAt({ network }, lengthBytes, { key, bytes: randomBytes(lengthBytes) })
  const heard = (t: string) =>
    new Promise<void>((resolve) =>
      network.hubs.on('message', (_hub, message) => {
        if (message.t === t) resolve()
      })
    )
  await network.start()
  while (!network.hubs.connected()[0]?.hello.deposit) await once(network.hubs, 'changed')
  const hub = network.hubs.connected()[0]!.id
  const { about: _, ...put } = seekingClaim(name, { pieceCount: content.plan.count })
  const wanted = heard('hub.bring')
  network.hubs.send(hub, put)
  await wanted
  const taken = heard('hub.kept')
  const tag = network.deposits.tagOf(key)!
  network.hubs.send(hub, { t: 'hub.offer', key: name, tag, lengthBytes, signers: [network.credential!] })
  await taken
  for (let first = 0; first < content.plan.count; first++)
    await network.deposits.bring(hub, name, content, { first, count: 1 }, new AbortController().signal)
  return {
    id: network.self,
    async stop() {
      await network.stop()
      await rm(dataDir, { recursive: true, force: true })
    }
  }
}
