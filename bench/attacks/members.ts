// A: a member that lies.
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { WebSocket } from 'ws'
import { root } from '../../scripts/steps.ts'
import { formatSize } from '../../src-main/contract/sizes.ts'
import type { ContentKey, PeerId } from '../../src-main/contract/ids.ts'
import { hasCode } from '../../src-main/lib/errors.ts'
import { newSiteKey } from '../../src-main/peers/fleet/site-key.ts'
import { planPieces } from '../../src-main/pieces/plan.ts'
import { HostileSite } from '../../src-main/testing/hostile-site.ts'
import { memorySource, VirtualLan } from '../../src-main/testing/virtual-lan.ts'
import { RawMember } from '../../src-main/testing/virtual-lan-raw.ts'
import { withEnds, type Attack, type Seen } from './attack.ts'

const KIB = 1024
const MIB = 1024 * KIB
const key = `sha256:${'ab'.repeat(32)}` as ContentKey

/** So many contents without digest, of which a member says that it has them. */
function poison(what: { size: number; contents: number; kind?: 'script' }): Attack['carryOut'] {
  return async (random) => {
    const site = await HostileSite.open({ sharing: { withoutDigest: 'check' } })
    try {
      await site.admit('wrong-record', what.size)
      let [files, wrong] = [0, 0]
      for (let i = 0; i < what.contents; i++) {
        const name = `/${i}.bin`
        const url = site.origin.put(name, { generate: { bytes: what.size, seed: `${random.below(1e9)}` } })
        const right = await site.origin.sha256(name)
        const got = await site.ask({ url, ...(what.kind && { kind: what.kind }) })
        files += got.files.length
        wrong += got.files.filter((sha256) => sha256 !== right).length
      }
      return { seen: `${wrong} of ${files} files wrong`, held: wrong === 0 }
    } finally {
      await site.close()
    }
  }
}

/** The head of the answer to a request for pieces. */
async function statusOf(raw: RawMember, port: number, request: string): Promise<string> {
  const socket = await raw.tls(port)
  socket.write(request)
  const [bytes] = (await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => ['ended'])])) as [unknown]
  socket.destroy()
  return String(bytes).slice(9, 12)
}

async function overheardKey(): Promise<Seen> {
  return withEnds(async (ends) => {
    const lan = await VirtualLan.open()
    ends(() => lan.close())
    const secret = `version:${'cd'.repeat(32)}` as ContentKey
    const content = memorySource(secret, MIB, () => victim.network)
    const victim = await lan.make({ seeds: [], source: content.source, knowledge: () => Buffer.alloc(32, 7) })
    await victim.network.start()
    const port = victim.network.ports().peer!
    const raw = await RawMember.make(lan.siteKey)
    ends(() => raw.close())
    await raw.dial(port)
    const paths = `GET /v1/pieces/${secret}?first=0&count=1 HTTP/1.1\r\nHost: a\r\n`
    const answers = [
      await statusOf(raw, port, `${paths}\r\n`),
      await statusOf(raw, port, `${paths}larder-knows: ${'A'.repeat(43)}\r\n\r\n`),
      await statusOf(raw, port, raw.asks(await raw.tls(port), secret, { first: 0, count: 1 }))
    ]
    const got = answers.filter((status) => status === '200').length
    return {
      seen: `${got} of ${answers.length} requests answered with pieces (${answers.join(', ')})`,
      held: got === 0
    }
  })
}

async function inventedIdentities(): Promise<Seen> {
  return withEnds(async (ends) => {
    const lan = await VirtualLan.open()
    ends(() => lan.close())
    const victim = await lan.add({ seeds: [], countsIdentities: (address) => address !== '127.0.0.1' })
    const tried = 80
    let entered = 0
    for (let i = 0; i < tried; i++) {
      const raw = await RawMember.make(lan.siteKey)
      raw.localAddress = '127.0.0.66'
      ends(() => raw.close())
      if (
        await raw.dial(victim.network.ports().peer!).then(
          () => true,
          () => false
        )
      )
        entered++
    }
    const honest = await lan.add({ seeds: [victim.seed()] })
    const isIn = await untilTrue(() => victim.network.peer(honest.network.self) !== undefined, 5000)
    return {
      seen: `${entered} of ${tried} let in; a colleague ${isIn ? 'comes in' : 'stays out'}`,
      held: entered <= 4 && isIn
    }
  })
}

/** The peer side of a PC in a process of its own, see `crowd-victim.ts`. */
class Victim {
  readonly siteKey = newSiteKey()
  readonly plan = planPieces(64 * MIB)
  readonly #child: ChildProcess
  readonly raws: RawMember[] = []
  port = 0
  id = '' as PeerId
  news = { rss: 0, cpuMs: 0, connected: 0, told: 0 }

  private constructor() {
    this.#child = fork(path.join(root, 'bench', 'crowd-victim.ts'), [this.siteKey, key, String(64 * MIB)])
  }

  static async start(): Promise<Victim> {
    const victim = new Victim()
    const [{ port, id }] = (await once(victim.#child, 'message')) as [{ port: number; id: PeerId }]
    Object.assign(victim, { port, id })
    victim.#child.on('message', (news: Victim['news']) => (victim.news = news))
    return victim
  }

  async member(localAddress: string): Promise<{ raw: RawMember; ws: WebSocket }> {
    const raw = await RawMember.make(this.siteKey)
    raw.localAddress = localAddress
    this.raws.push(raw)
    return { raw, ws: await raw.dial(this.port) }
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.disconnect()
    await Promise.all([ended, ...this.raws.map((raw) => raw.close())])
  }
}

/** With timers that end with it. */
async function withVictim(
  work: (victim: Victim, every: (ms: number, fn: () => void) => void) => Promise<Seen>
): Promise<Seen> {
  const victim = await Victim.start()
  const timers: NodeJS.Timeout[] = []
  try {
    return await work(victim, (ms, fn) => timers.push(setInterval(fn, ms)))
  } finally {
    for (const timer of timers) clearInterval(timer)
    await victim.stop()
  }
}

const readersOfNothing = () =>
  withVictim(async (victim, every) => {
    const sockets: WebSocket[] = []
    for (let i = 0; i < 20; i++) sockets.push((await victim.member(`127.0.50.${i >> 2}`)).ws)
    await sleep(1000)
    const before = victim.news.rss
    let most = before
    const join = JSON.stringify({ t: 'swarm.join', key })
    for (const ws of sockets) ws.pause()
    every(50, () => {
      most = Math.max(most, victim.news.rss)
      for (const ws of sockets) for (let n = 0; n < 50 && ws.readyState === ws.OPEN; n++) ws.send(join)
    })
    await sleep(6000)
    const each = (most - before) / sockets.length
    return { seen: `+${formatSize(Math.max(0, each))} for each of ${sockets.length}`, held: each < 4 * MIB }
  })

const floodOfContents = () =>
  withVictim(async (victim, every) => {
    const heard = new Map<string, number>()
    const listeners: WebSocket[] = []
    for (let i = 0; i < 20; i++) {
      const { raw, ws } = await victim.member(`127.0.51.${i}`)
      ws.on('message', () => heard.set(raw.id, (heard.get(raw.id) ?? 0) + 1))
      listeners.push(ws)
    }
    const { ws } = await victim.member('127.0.52.1')
    await sleep(500)
    heard.clear()
    let n = 0
    every(20, () => {
      for (let i = 0; i < 30 && ws.readyState === ws.OPEN; i++) ws.send(claimOf(++n))
    })
    const seconds = 5
    await sleep(seconds * 1000)
    const most = Math.round(Math.max(0, ...heard.values()) / seconds)
    const cut = listeners.filter(({ readyState, OPEN }) => readyState !== OPEN).length
    return {
      seen: `${most} messages/s to a colleague at most, ${cut} of ${listeners.length} cut off, the flooder ${victim.news.told > 0 ? 'named' : 'not named'}`,
      held: most <= 1000 && cut === 0 && victim.news.told > 0
    }
  })

function claimOf(n: number): string {
  const name = n.toString(16).padStart(64, '0')
  const seeking = { role: 'seeking', pieces: 0, pieceCount: 1, bytes: 0, weight: 50, eligible: true }
  return JSON.stringify({ t: 'claim.put', key: `version:${name}`, ...seeking, epoch: 0, master: null, masters: [] })
}

/** How long somebody new waits for a first piece. */
async function firstPiece(victim: Victim): Promise<number> {
  const lan = await VirtualLan.open()
  const { network } = await lan.make({ siteKey: victim.siteKey, seeds: [`127.0.0.1:${victim.port}`] })
  const startedMs = performance.now()
  const isIn = once(network, 'connected')
  await network.start()
  await Promise.race([isIn, sleep(60_000)])
  for (let served = false; !served && performance.now() - startedMs < 60_000;) {
    try {
      for await (const piece of network.fetchPieces(
        victim.id,
        key,
        victim.plan,
        { first: 0, count: 1 },
        { stallMs: 5000 }
      ))
        piece.release()
      served = true
    } catch (error) {
      if (!hasCode(error, 'PEER_BUSY', 'PEER_LOST')) throw error
      await sleep(200)
    }
  }
  const ms = performance.now() - startedMs
  await lan.close()
  return ms
}

const heldSlots = () =>
  withVictim(async (victim) => {
    const members = []
    for (let i = 0; i < 12; i++) members.push(await victim.member(`127.0.53.${i >> 2}`))
    const hold = async (raw: RawMember) => {
      const socket = await raw.tls(victim.port).catch(() => undefined)
      socket?.pause().write(raw.asks(socket, key, { first: 0, count: victim.plan.count }))
    }
    await Promise.all(members.flatMap(({ raw }) => [hold(raw), hold(raw)]))
    await sleep(500)
    const ms = await firstPiece(victim)
    return { seen: `24 sockets hold all slots; a colleague waits ${(ms / 1000).toFixed(1)} s`, held: ms < 8000 }
  })

/** Sockets that are opened, proved by one request, and kept. */
const heldSockets = () =>
  withVictim(async (victim, every) => {
    let open = 0
    for (let i = 0; i < 40; i++) {
      const { raw } = await victim.member(`127.0.54.${i}`)
      every(100, () => {
        void raw.tls(victim.port).then(
          (socket) => {
            open++
            socket.once('close', () => open--)
            socket.write(`GET /v1/pieces/${key}?first=0&count=1 HTTP/1.1\r\nHost: a\r\n\r\n`)
          },
          () => {}
        )
      })
    }
    await sleep(10_000)
    const kept = open
    const ms = await firstPiece(victim)
    return {
      seen: `40 addresses keep ${kept} sockets; a newcomer waits ${(ms / 1000).toFixed(1)} s`,
      held: kept <= 40 * 40 && ms < 5000
    }
  })

async function untilTrue(is: () => boolean, limitMs: number): Promise<boolean> {
  const endMs = performance.now() + limitMs
  while (!is() && performance.now() < endMs) await sleep(20)
  return is()
}

export const ofMembers: readonly Attack[] = [
  {
    name: 'A1 ten cold files of 200 KiB without digest, a member says it has them',
    before: '30 of 30 files were its bytes, and the origin was not asked',
    carryOut: poison({ size: 200 * KIB, contents: 10 })
  },
  {
    name: 'A1 the same with scripts of 10 KiB',
    before: 'all of them its bytes',
    carryOut: poison({ size: 10 * KIB, contents: 10, kind: 'script' })
  },
  { name: 'A2 pieces by an overheard key', before: 'every member got every content', carryOut: overheardKey },
  {
    name: 'A3 identities invented at one address',
    before: '1,024 of 1,024 places in 10 s',
    carryOut: inventedIdentities
  },
  { name: 'A3 members that read nothing', before: '+15.5 MiB for each', carryOut: readersOfNothing },
  {
    name: 'A4 1,500 new contents a second',
    before: 'over 2,000 messages/s to all, who cut the honest coordinator off; the flooder not named',
    carryOut: floodOfContents
  },
  { name: 'A5 upload slots held by anyone who reads nothing', before: '61 s, then the origin', carryOut: heldSlots },
  {
    name: 'A5 sockets kept by members at many addresses',
    before: 'no bound for one member, 4,096 sockets for all',
    carryOut: heldSockets
  }
]
