// A thousand members at one PC, a part of them hostile: how long a newcomer waits for its first piece, and how much memory that PC takes.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import type { WebSocket } from 'ws'
import { root } from '../scripts/steps.ts'
import type { ContentKey, PeerId } from '../src-main/contract/ids.ts'
import { hasCode } from '../src-main/lib/errors.ts'
import { newSiteKey } from '../src-main/peers/fleet/site-key.ts'
import { planPieces } from '../src-main/pieces/plan.ts'
import { seekingClaim } from '../src-main/testing/claim-put.ts'
import { VirtualLan } from '../src-main/testing/virtual-lan.ts'
import { RawMember } from '../src-main/testing/virtual-lan-raw.ts'
import { formatSize } from '../src-main/contract/sizes.ts'
import { readFlags } from './flags.ts'
import { drawTable } from './table.ts'
import { parseCount } from './units.ts'

interface Flags {
  members: number
  hostile: number
  newcomers: number
  json?: boolean
}

const program = new Command('bench:crowd')
  .description(
    'Many members at one PC, a part of them hostile; measures what a newcomer waits and what memory it costs.'
  )
  .option('--members <n>', 'in all', parseCount(1, 1015), 1000)
  .option('--hostile <n>', 'of them', parseCount(0, 800), 200)
  .option('--newcomers <n>', 'one after the other', parseCount(1, 50), 5)
const flags = readFlags<Flags>(program)

const key = `sha256:${'ab'.repeat(32)}` as ContentKey
const lengthBytes = 64 * 1024 * 1024
const plan = planPieces(lengthBytes)
const siteKey = newSiteKey()
const victim = fork(path.join(root, 'bench', 'crowd-victim.ts'), [siteKey, key, String(lengthBytes)])
const [{ port, id }] = (await once(victim, 'message')) as [{ port: number; id: PeerId }]
let peakBytes = 0
let connected = 0
let told = 0
let cpuMs = 0
victim.on('message', (news: { rss: number; cpuMs: number; connected: number; told: number }) => {
  peakBytes = Math.max(peakBytes, news.rss)
  connected = news.connected
  told = news.told
  cpuMs = news.cpuMs
})

/** A newcomer that has nothing by then counts as one that waits for ever. */
const LONGEST_WAIT_MS = 60_000
const members: RawMember[] = []
const timers: NodeJS.Timeout[] = []

/** A member at an address of its own, or at one that it shares. */
async function member(address: string): Promise<RawMember> {
  const one = await RawMember.make(siteKey)
  one.localAddress = address
  members.push(one)
  return one
}

async function enter(one: RawMember): Promise<WebSocket | undefined> {
  for (let tries = 0; tries < 600; tries++) {
    let opened: WebSocket | undefined
    const outcome = await one.attempt(port, (ws) => {
      opened = ws
      ws.on('error', () => {})
      ws.once('message', () => ws.send(one.hello()))
    })
    if (opened) return opened
    if (outcome.kind === 'later') return undefined
    await sleep(100)
  }
  return undefined
}

async function inBatches<T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const all: T[] = []
  for (let at = 0; at < count; at += 16)
    all.push(...(await Promise.all(Array.from({ length: Math.min(16, count - at) }, (_, i) => work(at + i)))))
  return all
}

const honest = flags.members - flags.hostile
const startedMs = performance.now()
const entered = await inBatches(honest, async (i) => enter(await member(`127.0.${1 + (i >> 8)}.${i & 255}`)))
const quietBytes = peakBytes
process.stderr.write(
  `${entered.filter(Boolean).length} honest members after ${Math.round(performance.now() - startedMs)} ms\n`
)
// One PC with as many identities as it likes.
const inventedIn = (await inBatches(100, async () => enter(await member('127.0.99.1')))).filter(Boolean).length
process.stderr.write(`${inventedIn} of 100 identities of one address are in\n`)
const hostile = await inBatches(flags.hostile, async (i) => {
  const one = await member(`127.0.66.${i >> 2}`)
  return { one, ws: await enter(one) }
})
process.stderr.write(`${hostile.filter(({ ws }) => ws).length} hostile members are in, ${connected} connected\n`)
for (const [i, { one, ws }] of hostile.entries()) {
  if (!ws) continue
  if (i % 20 === 0) flood(ws, 150)
  else if (i % 2 === 0) readNothing(ws)
  else holdSlots(one)
}
const attackedMs = performance.now()
const cpuBefore = cpuMs
await sleep(3000)
process.stderr.write(`they have begun: ${connected} connected, ${told} named\n`)

const waits: number[] = []
for (let i = 0; i < flags.newcomers; i++) waits.push(await newcomer())
const cpuShare = (cpuMs - cpuBefore) / (performance.now() - attackedMs)
for (const timer of timers) clearInterval(timer)
victim.disconnect()
const report = {
  members: flags.members,
  hostile: flags.hostile,
  inventedTried: 100,
  inventedIn,
  connected,
  quietBytes,
  peakBytes,
  cpuShare,
  told,
  waitsMs: waits.map(Math.round)
}
process.stdout.write(
  flags.json
    ? `${JSON.stringify(report)}\n`
    : `${drawTable(
        [
          'members',
          'hostile',
          'identities of one address let in',
          'memory quiet',
          'memory at most',
          'first piece after'
        ],
        [
          [
            String(flags.members),
            String(flags.hostile),
            `${inventedIn} of 100`,
            formatSize(quietBytes),
            formatSize(peakBytes),
            waits.map((ms) => `${(ms / 1000).toFixed(1)} s`).join(' ')
          ]
        ]
      )}\n`
)
await Promise.all(members.map((one) => one.close()))
process.exit(0)

/** Names this many new contents in a tenth of a second: the victim would ask everybody about each. */
function flood(ws: WebSocket, perTenth: number): void {
  let n = 0
  timers.push(
    setInterval(() => {
      for (let i = 0; i < perTenth && ws.readyState === ws.OPEN; i++) {
        const name =
          (++n).toString(16).padStart(8, '0') + Math.random().toString(16).slice(2).padEnd(56, '0').slice(0, 56)
        ws.send(JSON.stringify(seekingClaim(`version:${name}` as ContentKey, { pieceCount: 1 })))
      }
    }, 100)
  )
}

/** Asks for answers and takes none. */
function readNothing(ws: WebSocket): void {
  ws.pause()
  const join = JSON.stringify({ t: 'swarm.join', key })
  timers.push(
    setInterval(() => {
      for (let i = 0; i < 50 && ws.readyState === ws.OPEN; i++) ws.send(join)
    }, 100)
  )
}

/** Asks for all pieces on two connections and reads none, again and again. */
function holdSlots(one: RawMember): void {
  const hold = async () => {
    const socket = await Promise.race([one.tls(port).catch(() => undefined), sleep(5000, undefined)])
    socket?.pause().write(one.asks(socket, key, { first: 0, count: plan.count }))
    // An answer of "busy" is not read either; it comes back for another try.
    socket?.once('close', () => void sleep(200).then(hold))
    if (socket) setTimeout(() => socket.destroy(), 5000 + Math.random() * 5000).unref()
  }
  for (let i = 0; i < 2; i++) void hold()
}

/** From the start of a PC to its first piece, in ms. */
async function newcomer(): Promise<number> {
  const lan = await VirtualLan.open()
  const { network } = await lan.make({ siteKey, seeds: [`127.0.0.1:${port}`] })
  const startedMs = performance.now()
  const isIn = once(network, 'connected')
  await network.start()
  await Promise.race([isIn, sleep(LONGEST_WAIT_MS)])
  for (let served = false; !served && performance.now() - startedMs < LONGEST_WAIT_MS;) {
    try {
      for await (const piece of network.fetchPieces(id, key, plan, { first: 0, count: 1 }, { stallMs: 5000 }))
        piece.release()
      served = true
    } catch (error) {
      if (!hasCode(error, 'PEER_BUSY', 'PEER_LOST')) throw error
      await sleep(200 + Math.random() * 200)
    }
  }
  const ms = performance.now() - startedMs
  process.stderr.write(
    `first piece after ${Math.round(ms)} ms; ${connected} connected, ${formatSize(peakBytes)} at most\n`
  )
  await lan.close()
  return ms
}
