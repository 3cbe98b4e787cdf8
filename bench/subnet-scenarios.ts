import { setTimeout as sleep } from 'node:timers/promises'
import type { SubnetLab } from './lab/subnet-lab.ts'
import { clustered, hadBefore, isolated, lying, walled } from './subnet-barriers.ts'
import {
  allRight,
  atHub,
  atMost,
  firstBytes,
  median,
  round,
  routerRatios,
  whys,
  type Scenario
} from './subnet-findings.ts'

/** A real package, and the next one after the death of the hub, beside one without any hub. */
const realPackage: Scenario = async (world) => {
  const lab = await world.open()
  const hub = await lab.startHub(1, 'hub1')
  await lab.start([atHub(hub)], 1)
  const [first = world.bytes(world.size), second = world.bytes(world.size)] = world.files
  const before = await lab.routed()
  const got = await lab.getAll(lab.put('first.deb', first))
  const gets = lab.answers('first.deb').filter(({ method, bytes }) => method === 'GET' && bytes > 0)
  const ratios = routerRatios(before, await lab.routed(), first.length)
  const { found, note } = world
  note(
    allRight(got, first.length),
    whys(got),
    atMost('GETs of the package with a hub', gets.length, 1),
    atMost('origin / content', lab.originBytes('first.deb') / first.length, 1.01),
    {
      what: 'router into each subnet / content',
      seen: ratios.map((ratio) => round(ratio)).join(', '),
      limit: 'at most 1.10 each, IP headers and answers counted',
      held: ratios.every((ratio) => ratio <= 1.1)
    },
    { what: 'last PC, s', seen: round(Math.max(...got.map(({ seconds }) => seconds)), 1), held: true }
  )
  hub.agent!.kill()
  for (const pc of lab.pcs) await lab.until(pc, (s) => s.hub.hubs.every(({ state }) => state !== 'connected'))
  const next = await lab.getAll(lab.put('second.deb', second))
  const nextGets = lab.answers('second.deb').filter(({ method, bytes }) => method === 'GET' && bytes > 0)
  note(
    allRight(next, second.length),
    whys(next),
    atMost('GETs of the next one, hub killed', nextGets.length, world.subnets)
  )
  return found
}

/** How long is the wait for the first byte where the hub is dead, beside no hub in the settings? */
const waiting: Scenario = async (world) => {
  const lab = await world.open({ pcs: 1 })
  const hub = await lab.startHub(1, 'hub1')
  await lab.start([atHub(hub)], 1)
  // Nobody's first download.
  await lab.getAll(lab.put('warm.bin', world.bytes(1024 * 1024)))
  hub.agent!.kill()
  const { found, note } = world
  // The same PCs, warm as they are, without a hub in their settings; in turns, because the machine is busy with 13 agents.
  const rounds: { dead: number[]; none: number[] } = { dead: [], none: [] }
  for (let turn = 0; turn < 2 * world.repeat; turn++)
    for (const kind of ['dead', 'none'] as const) {
      await Promise.all(
        lab.pcs.map((pc) => lab.configure(pc, 'hub.urls', kind === 'dead' ? `["larder://${hub.address}:4726"]` : '[]'))
      )
      if (kind === 'dead')
        for (const pc of lab.pcs)
          await lab.until(pc, (s) => s.hub.hubs.length > 0 && s.hub.hubs.every(({ state }) => state === 'lost'))
      const small = world.bytes(2 * 1024 * 1024)
      rounds[kind].push(firstBytes(await lab.getAll(lab.put(`wait-${kind}-${turn}.bin`, small))))
    }
  note({
    what: 'longest wait for the first byte, ms: hub killed / no hub set',
    seen: (['dead', 'none'] as const)
      .map((kind) => `median ${round(median(rounds[kind]), 0)} of ${rounds[kind].map((ms) => round(ms, 0)).join(', ')}`)
      .join(' / '),
    limit: 'median at most 50 ms more',
    held: median(rounds.dead) - median(rounds.none) <= 50
  })
  return found
}

/** Many small files, beside one subnet without a hub. */
const smallFiles: Scenario = async (world) => {
  const settings = [`gateway.enabled=true`, `gateway.hosts=["192.0.2.2"]`, 'sharing.withoutDigest="trust"']
  const count = 200
  const timed = async (lab: SubnetLab) => {
    const names = Array.from({ length: count }, (_, i) => `small-${i}.bin`)
    for (const name of names) lab.put(name, world.bytes(10 * 1024))
    const begun = performance.now()
    await Promise.all(lab.pcs.map((pc) => lab.throughGateway(pc, names)))
    const copies = names.reduce((sum, name) => sum + lab.originBytes(name), 0) / (count * 10 * 1024)
    return { seconds: (performance.now() - begun) / 1000, copies }
  }
  const one = await world.open({ subnets: 1, pcs: world.subnets * world.pcs, settings })
  await one.start([])
  const without = await timed(one)
  world.say(`one subnet: ${without.seconds.toFixed(1)} s, ${without.copies.toFixed(3)}`)
  await world.closeLab()
  const lab = await world.open({ settings })
  const hub = await lab.startHub(1, 'hub1')
  await lab.start([atHub(hub)], 1)
  const site = await timed(lab)
  return [
    atMost('200 files of 10 KiB: origin / content', site.copies, 1.02),
    {
      what: 'all PCs done, s: subnets with a hub / one subnet',
      seen: `${site.seconds.toFixed(1)} / ${without.seconds.toFixed(1)}`,
      limit: '1.2 times',
      held: site.seconds <= 1.2 * without.seconds
    }
  ]
}

/** Kills the one that downloads for the site, or one that passes on, again and again. */
function killing(whom: 'leased' | 'relaying'): Scenario {
  return async (world) => {
    const lab = await world.open()
    const hub = await lab.startHub(1, 'hub1')
    await lab.start([atHub(hub)], 1)
    const copies: number[] = []
    const passes: number[] = []
    const into: number[] = []
    let wrong = 0
    for (let turn = 0; turn < world.repeat; turn++) {
      const name = `kill-${turn}.bin`
      // Its pieces in flight are lost with it: a few whatever the size, so a small share only of something large.
      const bytes = world.bytes(5 * world.size)
      const url = lab.put(name, bytes)
      const before = await lab.routed()
      const asked = new Map(lab.pcs.map((pc) => [pc, lab.get(pc, url)]))
      const victim = await lab.find((s) =>
        s.transfers.some((t) => t.url === url && t.site?.phase === whom && t.havePieces >= 2)
      )
      await sleep(500 + 1500 * Math.random())
      const killedMs = Date.now()
      victim.agent!.kill()
      const others = lab.pcs.filter((pc) => pc !== victim)
      const got = await Promise.all(others.map((pc) => asked.get(pc)!))
      await asked.get(victim)
      wrong += got.filter((one) => one.error !== null || one.bytes !== bytes.length).length
      // Its own `larder get` goes on by itself, as it has no agent any more: that is not the site's.
      const own = lab.answers(name).filter(({ from, askedMs }) => from === victim.address && askedMs > killedMs)
      copies.push((lab.originBytes(name) - own.reduce((sum, one) => sum + one.bytes, 0)) / bytes.length)
      const ratios = routerRatios(before, await lab.routed(), bytes.length)
      into.push(ratios[victim.subnet - 1]!)
      if (whom === 'leased') {
        const next = (await lab.events(hub)).filter((e) => e.type === 'wanLease' && e.at > killedMs).map((e) => e.at)
        if (next.length > 0) passes.push(Math.min(...next) - killedMs)
      }
      world.say(
        `${victim.name} killed: ${copies.at(-1)!.toFixed(3)} copies, into its subnet ${into.at(-1)!.toFixed(2)}, lease after ${passes.at(-1) ?? '–'} ms`
      )
      await lab.startAgent(victim, [atHub(hub)])
      await lab.untilMet(1)
    }
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
    return [
      { what: 'wrong or failed files of the others', seen: wrong, limit: '0', held: wrong === 0 },
      atMost(`origin / content, mean of ${copies.length} kills`, mean(copies), 1.02 + 1048576 / (5 * world.size)),
      { what: 'the same, worst', seen: round(Math.max(...copies)), held: true },
      ...(whom === 'leased'
        ? [{ ...atMost('the lease passes after, ms (worst)', Math.max(...passes), 1000) }]
        : [atMost('router into its subnet / content, worst', Math.max(...into), 1.1)])
    ]
  }
}

/** Two subnets become one while a download runs. */
const bridged: Scenario = async (world) => {
  const lab = await world.open()
  const hub = await lab.startHub(1, 'hub1')
  await lab.start([atHub(hub)], 1)
  const bytes = world.bytes(2 * world.size)
  const url = lab.put('bridged.bin', bytes)
  const going = lab.getAll(url)
  await lab.find((s) => s.transfers.some((t) => t.url === url && t.havePieces >= 3))
  await lab.bridge(1, 2)
  const joined = lab.pcs.filter(({ subnet }) => subnet <= 2)
  let masters = 2
  for (let look = 0; look < 60 && masters > 1; look++) {
    await sleep(250)
    const roles = await Promise.all(
      joined.map(async (pc) => (await lab.snapshot(pc)).transfers.find((t) => t.url === url))
    )
    const running = roles.filter((t) => t && t.state !== 'holding')
    if (running.length === 0) break
    masters = running.filter((t) => t!.role === 'master').length
  }
  const got = await going
  const again = world.bytes(world.size)
  const next = await lab.getAll(lab.put('after.bin', again))
  const nextMasters = await Promise.all(
    joined.map(async (pc) => (await lab.snapshot(pc)).peers.filter((p) => p.state === 'connected' && !p.far).length)
  )
  return [
    allRight(got, bytes.length),
    { what: 'masters of the two joined subnets', seen: masters, limit: '1', held: masters <= 1 },
    atMost('origin / content', lab.originBytes('bridged.bin') / bytes.length, 1.02),
    allRight(next, again.length),
    atMost('origin / content of the next', lab.originBytes('after.bin') / again.length, 1.02),
    { what: 'near peers of each PC in them', seen: nextMasters.join(', '), held: true }
  ]
}

/** By name; `a2` to `a12` as in the list of what a hub must show. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  package: realPackage,
  wait: waiting,
  a2: smallFiles,
  a3: killing('leased'),
  a4: killing('relaying'),
  a7: walled,
  a8: hadBefore,
  a9: bridged,
  a11: clustered,
  a12: lying,
  isolated
}
