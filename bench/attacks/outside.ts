// B: outside the fleet.
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { PEER_PROTOCOL } from '../../src-main/contract/version.ts'
import { encodeBeacon, sealed } from '../../src-main/peers/discovery/beacon-message.ts'
import { siteKeyMembership } from '../../src-main/peers/fleet/membership.ts'
import { newSiteKey, secretOfSiteKey } from '../../src-main/peers/fleet/site-key.ts'
import { makeDevice } from '../../src-main/testing/device.ts'
import { VirtualLan } from '../../src-main/testing/virtual-lan.ts'
import { withEnds, type Attack, type Seen } from './attack.ts'

/** Whoever knows the secret of the fleet and not the key of the device it names. */
async function forgedBeacons(): Promise<Seen> {
  return withEnds(async (ends) => {
    const lan = await VirtualLan.open()
    ends(() => lan.close())
    const membership = siteKeyMembership(lan.siteKey)
    const [anna, bert] = [await lan.make(), await lan.make()]
    await anna.network.start()
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.66')
    await once(socket, 'listening')
    ends(() => socket.close())
    const point = Buffer.from(bert.network.credential!.spki, 'base64url').subarray(-64)
    const forge = (): Buffer => {
      const head = Buffer.alloc(19)
      head.writeUInt16BE(1, 1)
      randomBytes(8).copy(head, 3)
      head.writeBigUInt64BE(2n ** 53n - 1n, 11)
      return sealed(PEER_PROTOCOL, Buffer.concat([head, point, randomBytes(64)]), membership)
    }
    const timer = setInterval(() => {
      for (let i = 0; i < 12; i++) socket.send(forge(), lan.beaconPort, '127.0.0.1')
    }, 100)
    ends(() => clearInterval(timer))
    await sleep(1000)
    const startedMs = performance.now()
    await bert.network.start()
    const limitMs = 20_000
    while (!anna.network.peer(bert.network.self) && performance.now() - startedMs < limitMs) await sleep(20)
    const ms = performance.now() - startedMs
    return {
      seen: ms < limitMs ? `they meet after ${ms.toFixed(0)} ms` : 'they do not meet within 20 s',
      held: ms < 10_000
    }
  })
}

async function guessedKeys(): Promise<Seen> {
  const weak = [`larder-site-${'A'.repeat(43)}`, `larder-site-${'password'.repeat(6).slice(0, 43)}`]
  const refused = weak.filter((key) => {
    try {
      return !secretOfSiteKey(key)
    } catch {
      return true
    }
  }).length
  const keys = Array.from({ length: 8 }, newSiteKey)
  const startedMs = performance.now()
  for (const key of keys) secretOfSiteKey(key)
  const perSecond = keys.length / ((performance.now() - startedMs) / 1000)
  return {
    seen: `${refused} of ${weak.length} weak keys refused; ${perSecond.toFixed(0)} guesses/s per core`,
    held: refused === weak.length && perSecond < 100
  }
}

async function tellTaleBeacons(): Promise<Seen> {
  const membership = siteKeyMembership(newSiteKey())
  const device = makeDevice()
  const message = { bootId: '11'.repeat(8) as never, port: 4726, goodbye: false, replyWanted: false }
  const [one, two] = [1, 2].map((counter) => encodeBeacon({ ...message, counter }, membership, device))
  const point = device.spki.subarray(-64)
  const named = [one!, two!].some((bytes) => bytes.includes(point) || bytes.includes(Buffer.from(device.id, 'hex')))
  // By chance one byte in 256 is the same.
  let same = 0
  for (let at = 5; at < one!.length; at++) if (one![at] === two![at]) same++
  return {
    seen: `${named ? 'the device can be read' : 'no name in it'}; ${same} of ${one!.length - 5} bytes of two beacons of one PC are alike`,
    held: !named && same < 12
  }
}

export const fromOutside: readonly Attack[] = [
  {
    name: 'B6 forged beacons of anyone who was removed',
    before: 'two members did not meet within 150 s',
    carryOut: forgedBeacons
  },
  { name: 'B7 guessing a weak site key', before: '59,000 guesses/s per core; AAAA… is taken', carryOut: guessedKeys },
  {
    name: 'B7 following a laptop by its beacons',
    before: 'fleet tag and permanent id in clear',
    carryOut: tellTaleBeacons
  }
]
