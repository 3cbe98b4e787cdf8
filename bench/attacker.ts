// A stranger on the network: forged beacons and garbage connections at a steady rate, until it is ended. Started by flood.ts.
import { randomBytes, randomInt } from 'node:crypto'
import dgram from 'node:dgram'
import net from 'node:net'
import { parseArgs } from 'node:util'
import { BEACON_BYTES } from '../src-main/peers/discovery/beacon-message.ts'

const { values } = parseArgs({
  options: {
    'beacon-port': { type: 'string' },
    'peer-port': { type: 'string', multiple: true, default: [] },
    /** A beacon that was overheard, hex: its public head is repeated, so that only the authentication code gives the forgery away. */
    overheard: { type: 'string' },
    'per-second': { type: 'string', default: '1000' }
  }
})

const beaconPort = Number(values['beacon-port'])
const peerPorts = values['peer-port'].map(Number)
const overheard = Buffer.from(values.overheard!, 'hex')
const perSecond = Number(values['per-second'])
/** Another host than the members, as far as loopback can have one: strangers are counted by address. */
const FROM = '127.0.0.66'
/** More at once would exhaust this process, not the agents. */
const MAX_OPEN = 2000
const STEP_MS = 10

const udp = dgram.createSocket('udp4')
udp.bind(0, FROM)
const sent = { beacons: 0, connections: 0, skipped: 0 }
let open = 0
let dueBeacons = 0
let dueConnections = 0
let stepMs = performance.now()

setInterval(() => {
  const nowMs = performance.now()
  const share = (perSecond * (nowMs - stepMs)) / 1000
  stepMs = nowMs
  dueBeacons += share
  dueConnections += share
  for (; dueBeacons >= 1; dueBeacons--) forgeBeacon()
  for (; dueConnections >= 1; dueConnections--) connectWithGarbage()
}, STEP_MS)

process.once('SIGTERM', () => process.exit(0))
process.stdout.write('{"ready":true}\n')
setInterval(() => process.stderr.write(`${JSON.stringify({ ...sent, open })}\n`), 5000)

function forgeBeacon(): void {
  const bytes = Buffer.from(overheard)
  // Everything but magic and version is another each time.
  randomBytes(BEACON_BYTES - 5).copy(bytes, 5)
  udp.send(bytes, beaconPort, '127.0.0.1')
  sent.beacons++
}

function connectWithGarbage(): void {
  if (open >= MAX_OPEN) {
    sent.skipped++
    return
  }
  open++
  sent.connections++
  const socket = net.connect({
    port: peerPorts[sent.connections % peerPorts.length]!,
    host: '127.0.0.1',
    localAddress: FROM
  })
  socket.on('error', () => {})
  socket.once('close', () => open--)
  socket.resume()
  // Garbage, the beginning of a TLS hello that never goes on, or nothing at all.
  const kind = sent.connections % 3
  if (kind === 0) socket.write(randomBytes(randomInt(1, 2048)))
  else if (kind === 1) socket.write(Buffer.from('16030102000100', 'hex'))
  setTimeout(() => socket.destroy(), 3000).unref()
}
