import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { judgePeers } from '../agent/doctor/judge.ts'
import { newSiteKey } from '../peers/fleet/site-key.ts'
import { LabAgent } from '../testing/lab/lab-agent.ts'
import { NamespaceLab, whyNoLab, type LabHost } from '../testing/lab/namespace-lab.ts'

type LabGot = Awaited<ReturnType<LabAgent['get']>>
/** A piece that has not come for so long is asked for elsewhere as well. */
const HEDGE_MS = 2500
const noLab = whyNoLab()
const ORIGIN = '10.77.1.2'
/** Serves a folder, with a strong tag and without ranges. */
const SERVER = `
import { createServer } from 'node:http'
import { readFileSync } from 'node:fs'
const dir = process.argv[1]
createServer((request, response) => {
  const name = request.url.slice(1)
  const body = readFileSync(dir + '/' + name)
  response.writeHead(200, { 'Content-Length': body.length, ETag: '"' + name + '"' })
  response.end(request.method === 'GET' ? body : undefined)
}).listen(80, '${ORIGIN}', () => console.log('ready'))
`

describe('two PCs between which packets of full size get lost', () => {
  let lab: NamespaceLab
  let dir: string
  let agents: LabAgent[] = []

  beforeEach(async ({ skip }) => {
    skip(noLab !== null, noLab ?? '')
    lab = await NamespaceLab.open()
    dir = await mkdtemp(path.join(tmpdir(), 'larder-mtu-'))
    await lab.addSwitch('a', '10.77.1.1/24')
    const origin = await host('origin', ORIGIN)
    const server = origin.spawn(process.execPath, ['--input-type=module', '-e', SERVER, dir])
    await once(server.stdout!, 'data')
  })
  afterEach(async () => {
    await Promise.all(agents.map((agent) => agent.stop()))
    agents = []
    await lab?.close()
    if (dir) await rm(dir, { recursive: true, force: true })
  })

  async function host(name: string, address: string): Promise<LabHost> {
    const pc = await lab.addHost(name)
    await pc.plug('eth0', 'a', `${address}/24`)
    return pc
  }

  /** What is larger than a tunnel on the way carries vanishes, and no ICMP says so. */
  const hole = (from: LabHost, to: string) =>
    from.run('iptables', '-w', '-A', 'OUTPUT', '-d', to, '-m', 'length', '--length', '1301:65535', '-j', 'DROP')

  async function put(name: string): Promise<string> {
    await writeFile(path.join(dir, name), randomBytes(3 * 1024 * 1024))
    return `http://${ORIGIN}/${name}`
  }

  it('wait for each other once and not at every content; it is told, and the doctor names the other one', async () => {
    const [pc1, pc2] = [await host('pc-1', '10.77.1.11'), await host('pc-2', '10.77.1.12')]
    const siteKey = newSiteKey()
    const settings = { sharing: { withoutDigest: 'trust' as const } }
    agents = await Promise.all([pc1, pc2].map((pc) => LabAgent.start(pc, { siteKey, settings })))
    const [one, two] = agents as [LabAgent, LabAgent]
    const met = ({ peers }: { peers: { state: string }[] }) => peers.some(({ state }) => state === 'connected')
    await Promise.all([one.untilSnapshot(met), two.untilSnapshot(met)])
    const urls = [await put('first'), await put('second'), await put('third')]
    for (const url of urls) expect((await one.get(url)).view.error).toBeNull()
    await hole(pc1, '10.77.1.12')

    const got = []
    for (const url of urls) got.push(await two.get(url))
    expect(got.map(({ view }) => [view.state, view.split.originBytes])).toEqual(Array(3).fill(['done', 3 << 20]))
    expect(got.map(({ view }) => view.reasons.map(({ code }) => code))).toEqual(Array(3).fill(['mute-peer']))
    expect(two.told.filter(({ event }) => event.type === 'peerLeftOut')).toHaveLength(1)
    const told = two.told.findIndex(({ event }) => event.type === 'peerLeftOut')
    expect(two.told.slice(told).filter(({ event }) => event.type === 'masterElected')).toHaveLength(3)

    const snapshot = await two.snapshot()
    const check = judgePeers(snapshot).find(({ id }) => id === 'peers.path-mtu')
    expect(check).toMatchObject({ verdict: 'warn', seen: expect.stringContaining('pc-1 (10.77.1.11)') })
    // The hole has one direction: what pc-2 downloads pc-1 has from it.
    const more = await put('more')
    const [a, b] = await Promise.all([one.get(more), two.get(more)])
    expect([a.view.split, b.view.split]).toMatchObject([{ peerBytes: 3 << 20 }, { originBytes: 3 << 20 }])
  })

  it('leave the third one to both: it gets from peers what they have, and passes on what one of them has not', async () => {
    const pcs = await Promise.all(['11', '12', '13'].map((n) => host(`pc-${n}`, `10.77.1.${n}`)))
    const siteKey = newSiteKey()
    const settings = { sharing: { withoutDigest: 'trust' as const } }
    agents = await Promise.all(pcs.map((pc) => LabAgent.start(pc, { siteKey, settings })))
    const [one, two, three] = agents as [LabAgent, LabAgent, LabAgent]
    const met = ({ peers }: { peers: { state: string }[] }) =>
      peers.filter(({ state }) => state === 'connected').length === 2
    await Promise.all(agents.map((agent) => agent.untilSnapshot(met)))
    await hole(pcs[0]!, '10.77.1.12')
    await hole(pcs[1]!, '10.77.1.11')

    // Who has it is beyond the hole for one, and not for the other.
    const got: LabGot[][] = []
    for (const name of ['first', 'second', 'third']) {
      const url = await put(name)
      expect((await one.get(url)).view.error).toBeNull()
      got.push(await Promise.all([two.get(url), three.get(url)]))
    }
    for (const name of ['fourth', 'fifth']) {
      const url = await put(name)
      const all = await Promise.all(agents.map((agent) => agent.get(url)))
      expect(all.reduce((sum, { view }) => sum + view.split.originBytes, 0)).toBe(3 << 20)
    }
    expect(got.map((views) => views.map(({ view }) => view.split.peerBytes))).toEqual(Array(3).fill([3 << 20, 3 << 20]))
    // It is waited for once: then it is left out, on both sides of the hole.
    const told = agents.map((agent) => agent.told.filter(({ event }) => event.type === 'peerLeftOut').length)
    expect(told[1]).toBe(1)
    expect(told[2]).toBe(0)
    expect(got.slice(1).every(([beyond]) => beyond!.view.elapsedMs! < HEDGE_MS)).toBe(true)
  })
})
