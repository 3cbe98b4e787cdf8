// C: origins, lists, redirects.
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { Settings } from '../../src-main/contract/settings.ts'
import { formatSize } from '../../src-main/contract/sizes.ts'
import { hasCode } from '../../src-main/lib/errors.ts'
import { systemClock } from '../../src-main/lib/clock.ts'
import { createOriginClient } from '../../src-main/origin/origin-client.ts'
import { ask, startFleet } from '../../src-main/testing/fleet.ts'
import { startOriginServer } from '../../src-main/testing/origin-server.ts'
import { withEnds, type Attack, type Seen } from './attack.ts'

const MIB = 1024 * 1024

async function listOfLoot(): Promise<Seen> {
  return withEnds(async (ends) => {
    const origin = await startOriginServer()
    ends(() => origin.close())
    const fleet = await startFleet(1, { origin: { trustLoopback: false } })
    ends(() => fleet.stop())
    const { agent } = fleet.agents[0]!
    const loot = origin.put('/loot', Buffer.from('loot'))
    const { port } = new URL(loot)
    const lures = [
      loot,
      `http://localhost:${port}/loot`,
      `http://[::ffff:127.0.0.1]:${port}/loot`,
      `http://2130706433:${port}/loot`,
      'http://169.254.169.254/latest/',
      'http://[fe80::1]/x'
    ]
    const list = origin.put('/list.txt', Buffer.from(`${lures.join('\n')}\n`))
    await agent.precache.start(undefined, list)
    while (agent.precache.view().state === 'running') await once(agent, 'snapshot')
    const asked = origin.requests('/loot').length
    const { entries } = agent.cache.stats()
    return { seen: `${asked} of ${lures.length} asked, ${entries} kept`, held: asked === 0 && entries === 0 }
  })
}

async function redirects(): Promise<Seen> {
  return withEnds(async (ends) => {
    let asked = 0
    const victim = await serve(ends, (_request, response) => {
      asked++
      response.end('loot')
    })
    const targets = [
      `http://rebound.test:${victim}/`,
      `http://localhost:${victim}/`,
      `http://localhost.:${victim}/`,
      `http://2130706433:${victim}/`,
      `http://0x7f.1:${victim}/`,
      `http://0.0.0.0:${victim}/`,
      `http://[::]:${victim}/`,
      `http://[::1]:${victim}/`,
      `http://[::ffff:7f00:1]:${victim}/`,
      `http://[64:ff9b::7f00:1]:${victim}/`,
      `http://[2002:7f00:1::]:${victim}/`,
      'http://169.254.169.254/latest/meta-data/',
      'http://[::ffff:a9fe:a9fe]/latest/',
      'http://168.63.129.16/',
      'http://100.100.100.200/',
      'http://metadata.test/'
    ]
    const addresses: Record<string, string> = { 'metadata.test': '169.254.169.254', 'cdn.test': '203.0.113.9' }
    const client = createOriginClient({
      clock: systemClock,
      settings: Settings.parse({}).origin,
      env: {},
      userAgent: 'larder/bench',
      resolve: async (hostname) => [{ address: addresses[hostname] ?? '127.0.0.1', family: 4 }]
    })
    ends(() => client.close())
    const through: string[] = []
    let target = ''
    // Not on loopback: what the user asked of this PC itself may lead on to this PC.
    const host = lanAddress()
    const lure = await serve(
      ends,
      (_request, response) => {
        response.writeHead(302, { location: target })
        response.end()
      },
      host ?? '127.0.0.1'
    )
    for (target of targets) {
      const asks = [() => client.probe(target, { chooser: 'other' })]
      for (const chooser of host === undefined ? [] : (['user', 'policy'] as const))
        asks.push(() => client.probe(`http://${host}:${lure}/`, { chooser }))
      for (const ask of asks) if (!(await isRefused(ask))) through.push(target)
    }
    return {
      seen: `${new Set(through).size} of ${targets.length} got through${through.length > 0 ? ` (${[...new Set(through)].join(' ')})` : ''}; the service was asked ${asked} times`,
      held: through.length === 0 && asked === 0
    }
  })
}

/** @returns true when it was refused before anybody was asked */
async function isRefused(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work()
    return false
  } catch (error) {
    return hasCode(error, 'ADDRESS_REFUSED', 'URL_INVALID')
  }
}

/** An address of this PC in its network. */
function lanAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((infos) => infos ?? [])
  return all.find(({ internal, family }) => !internal && family === 'IPv4')?.address
}

async function serve(
  ends: (end: () => unknown) => void,
  listener: RequestListener,
  host = '127.0.0.1'
): Promise<number> {
  const server = createServer(listener).listen(0, host)
  await once(server, 'listening')
  ends(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

function liarOfLengths(kind: 'length' | 'chunked'): Attack['carryOut'] {
  return () =>
    withEnds(async (ends) => {
      const origin = await startOriginServer()
      ends(() => origin.close())
      const fleet = await startFleet(1, { cache: { maxBytes: 8 * MIB } })
      ends(() => fleet.stop())
      const { agent } = fleet.agents[0]!
      for (const name of ['/one', '/two'])
        await ask(agent, { url: origin.put(name, { generate: { bytes: MIB, seed: name } }) })
      let poured = 0
      const port = await serve(ends, (request, response) => {
        response.writeHead(200, { etag: '"1"', ...(kind === 'length' && { 'content-length': '9000000000000000' }) })
        if (request.method === 'HEAD') return void response.end()
        const pour = (): void => {
          if (response.destroyed || poured > 256 * MIB) return
          poured += 256 * 1024
          if (response.write(Buffer.alloc(256 * 1024))) setImmediate(pour)
          else response.once('drain', pour)
        }
        pour()
      })
      const { state, error } = await ask(agent, { url: `http://127.0.0.1:${port}/endless` })
      const { entries, bytes, partialBytes } = agent.cache.stats()
      return {
        seen: `${entries} of 2 contents stay, ${formatSize(bytes + partialBytes)} taken of 8 MiB, ${formatSize(poured)} downloaded (${state}, ${error?.code ?? 'no error'})`,
        held: entries === 2 && bytes + partialBytes <= 8 * MIB && poured < 64 * MIB
      }
    })
}

export const ofOrigins: readonly Attack[] = [
  {
    name: 'C8 a list of this PC’s own services',
    before: '127.0.0.1 and metadata addresses were asked, and shared',
    carryOut: listOfLoot
  },
  { name: 'C9 redirects and names that lead to this PC', before: 'all got through', carryOut: redirects },
  { name: 'C10 Content-Length: 9e15', before: 'everything evicted, then DISK_FULL', carryOut: liarOfLengths('length') },
  {
    name: 'C10 a body without end',
    before: 'everything evicted, and past cache.maxBytes',
    carryOut: liarOfLengths('chunked')
  }
]
