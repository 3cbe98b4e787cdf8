import { setTimeout as sleep } from 'node:timers/promises'
import { withTwoHubs } from './lab/hubs-behind-nginx.ts'
import { startLyingHub } from './lab/lying-hub.ts'
import { allRight, atHub, atMost, firstBytes, median, round, whys, type Scenario } from './subnet-findings.ts'

const MIB = 1024 * 1024

/** The router lets nothing of Larder pass between subnets, but to the hub; which keeps nothing. */
export const walled: Scenario = async (world) => {
  const lab = await world.open()
  const hub = await lab.startHub(1, 'hub1')
  await lab.start([atHub(hub)], 1)
  // Nobody's first download.
  await lab.getAll(lab.put('warm.bin', world.bytes(MIB)))
  await lab.isolate(hub)
  const measure = async (name: string): Promise<{ waitMs: number; copies: number; right: boolean }> => {
    const bytes = world.bytes(2 * MIB)
    const got = await lab.getAll(lab.put(name, bytes))
    return {
      waitMs: firstBytes(got),
      copies: lab.originBytes(name) / bytes.length,
      right: got.every(({ error, bytes: of }) => error === null && of === bytes.length)
    }
  }
  const first = await measure('wall.bin')
  const next: Awaited<ReturnType<typeof measure>>[] = []
  const without: typeof next = []
  const some = async (into: typeof next, name: string, turns: number) => {
    for (let turn = 0; turn < turns; turn++) into.push(await measure(`${name}-${turn}.bin`))
  }
  // Agents get faster the longer they run: what is compared lies between two halves of what it is compared with.
  await some(next, 'wall', world.repeat)
  await Promise.all(lab.pcs.map((pc) => lab.configure(pc, 'hub.urls', '[]')))
  await some(without, 'none', 2 * world.repeat)
  const urls = atHub(hub).slice('hub.urls='.length)
  await Promise.all(lab.pcs.map((pc) => lab.configure(pc, 'hub.urls', urls)))
  await lab.untilMet(1)
  for (const pc of lab.pcs) await lab.until(pc, (s) => s.hub.hubs.every(({ apart }) => apart))
  await some(next, 'again', world.repeat)
  const waits = (all: typeof next) => median(all.map(({ waitMs }) => waitMs))
  const wrong = [first, ...next, ...without].filter(({ right }) => !right).length
  return [
    { what: 'downloads with a wrong or failed file', seen: wrong, limit: '0', held: wrong === 0 },
    atMost('copies of the first content', first.copies, world.subnets),
    atMost('most copies of a later one', Math.max(...next.map(({ copies }) => copies)), world.subnets),
    atMost('ms the first waits longer than without a hub', first.waitMs - waits(without), 2500),
    atMost('the same of later ones, medians', waits(next) - waits(without), 50)
  ]
}

/** One subnet has it since before its PCs were restarted. */
export const hadBefore: Scenario = async (world) => {
  const lab = await world.open()
  const hub = await lab.startHub(1, 'hub1')
  await lab.start([atHub(hub)], 1)
  const bytes = world.bytes(world.size)
  const url = lab.put('had.bin', bytes)
  const had = lab.pcs.filter(({ subnet }) => subnet === 2)
  const others = lab.pcs.filter(({ subnet }) => subnet !== 2)
  await lab.getAll(url, had)
  for (const pc of had) {
    await pc.agent!.stop()
    await lab.startAgent(pc, [atHub(hub)])
  }
  await lab.untilMet(1)
  const before = lab.originBytes('had.bin')
  const got = await lab.getAll(url, others)
  return [
    allRight(got, bytes.length),
    whys(got),
    atMost('bytes of it that the others had from the origin', lab.originBytes('had.bin') - before, 0)
  ]
}

/** No PC can connect to another one, only to the hub, which keeps what they bring. */
export const isolated: Scenario = async (world) => {
  const lab = await world.open()
  const hub = await lab.startHub(1, 'hub1', ['hub.deposit="on-request"'])
  await lab.isolate(hub, { everybody: true })
  await lab.start([atHub(hub)], 1)
  const bytes = world.bytes(world.size)
  const got = await lab.getAll(lab.put('isolated.bin', bytes))
  const [one, ...others] = lab.pcs.filter(({ name }) => name.endsWith('pc1'))
  const early = world.bytes(world.size)
  const url = lab.put('early.bin', early)
  await lab.get(one!, url)
  const late = await Promise.all(others.map((pc) => lab.get(pc, url)))
  return [
    allRight(got, bytes.length),
    atMost('all at once: origin / content', lab.originBytes('isolated.bin') / bytes.length, 1.02),
    { what: 'last PC, s', seen: round(Math.max(...got.map(({ seconds }) => seconds)), 1), held: true },
    allRight(late, early.length),
    atMost('one had it before: origin / content', lab.originBytes('early.bin') / early.length, 1.02)
  ]
}

/** Two hubs behind one proxy with one store; a hub dies, the store dies, hangs and comes back empty. */
export const clustered: Scenario = async (world) => {
  const lab = await world.open()
  const cluster = await withTwoHubs(lab)
  await lab.start([`hub.urls=["${cluster.url}"]`], 1)
  const { found, note } = world
  const round1 = async (what: string, name: string, limit: number) => {
    const bytes = world.bytes(world.size / 2)
    const got = await lab.getAll(lab.put(name, bytes))
    note({ ...allRight(got, bytes.length), what: `${what}: requests that ended right` })
    note(atMost(`${what}: origin / content`, lab.originBytes(name) / bytes.length, limit))
  }
  await round1('two hubs', 'c1.bin', 1.02)
  await cluster.killHub(0)
  for (const pc of lab.pcs) await lab.until(pc, (s) => s.hub.hubs.some(({ state }) => state === 'connected'))
  await round1('one killed', 'c2.bin', 1.02)
  await cluster.restartHub(0)
  await cluster.spread()
  await cluster.killStore()
  await round1('store killed', 'c3.bin', 2.02)
  await cluster.startStore()
  await cluster.untilStore('connected')
  await round1('store back, empty', 'c4.bin', 1.02)
  cluster.signalStore('SIGSTOP')
  const hung = round1('store stands still', 'c5.bin', 2.02)
  await hung
  await sleep(5000)
  cluster.signalStore('SIGCONT')
  await cluster.untilStore('connected')
  await round1('store goes on', 'c6.bin', 1.02)
  return found
}

/** A hub that lies: where do PCs connect to because of it, and how often is it downloaded? */
export const lying: Scenario = async (world) => {
  const lab = await world.open()
  const hub = await startLyingHub(lab)
  await lab.start([`hub.urls=["larder://${hub.address}:4726"]`], 1)
  const places = {
    'port 22 of PCs and routers of the site': ['-d', '10.77.0.0/16', '--dport', '22'],
    'port 22 of this PC': ['-d', '127.0.0.0/8', '--dport', '22'],
    'port 22 of the origin': ['-d', lab.origin, '--dport', '22'],
    'addresses outside hub.reach': ['-d', '203.0.113.0/24'],
    'PCs inside hub.reach that are not there': ['-d', '10.77.0.99/0.0.0.255', '--dport', '4726']
  }
  await lab.countSyns(Object.values(places))
  const { found, note } = world
  for (const lie of [
    'dead-holders',
    'loopback',
    'origin',
    'router-ssh',
    'foreign-signature',
    'silence',
    'crowns-all'
  ] as const) {
    await hub.lie(lie)
    const bytes = world.bytes(2 * 1024 * 1024)
    const name = `${lie}.bin`
    const got = await lab.getAll(lab.put(name, bytes))
    note({ ...allRight(got, bytes.length), what: `${lie}: requests that ended right` })
    note(atMost(`${lie}: origin / content`, lab.originBytes(name) / bytes.length, world.subnets + 0.02))
  }
  const counted = await lab.syns()
  for (const [i, place] of Object.keys(places).entries()) {
    const isAllowed = place.startsWith('PCs inside')
    const seen = counted[i] ?? 0
    note({ what: `SYNs to ${place}`, seen, ...(!isAllowed && { limit: '0' }), held: isAllowed || seen === 0 })
  }
  return found
}
