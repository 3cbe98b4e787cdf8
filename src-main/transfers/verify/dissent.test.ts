import { describe, expect, it } from 'vitest'
import { EventEmitter } from 'node:events'
import type { ContentKey, PeerId } from '../../contract/ids.ts'
import type { PeerMessage } from '../../contract/peer-messages.ts'
import { Bitmap } from '../../lib/bitmap.ts'
import { planPieces } from '../../pieces/plan.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import type { Job } from '../job.ts'
import { Swarm } from '../swarm.ts'
import { findDissent } from './dissent.ts'

const key = `version:${'5a'.repeat(32)}` as ContentKey
const plan = planPieces(3_000_000)
const digest = (index: number, salt = 0) => Buffer.alloc(32, index + 1 + salt)
const id = (n: number) => n.toString(16).padStart(64, '0') as PeerId

interface Holder {
  readonly id: PeerId
  readonly place: string | null
  /** The piece that is another one there; null: none is, whatever its root says. */
  readonly differs: number | null
}

/** A content that is here, and holders that say they have another one. */
function among(holders: readonly Holder[]) {
  const asked: PeerId[] = []
  const answers = new EventEmitter()
  const world = {
    clock: fakeClock(),
    random: Math.random,
    network: {
      self: id(999),
      isBanned: () => false,
      verifyCredential: () => undefined,
      placeOf: (peer: PeerId) => holders.find((one) => one.id === peer)!.place,
      send(peer: PeerId, message: PeerMessage) {
        if (message.t !== 'swarm.askDigests') return true
        asked.push(peer)
        queueMicrotask(() => answers.emit('asked', peer))
        return true
      }
    }
  }
  const partial = { have: Bitmap.full(plan.count), record: (index: number) => ({ digest: digest(index) }) }
  const job = { key, plan, partial, world } as unknown as Job
  const swarm = new Swarm(job)
  answers.on('asked', (peer: PeerId) => {
    const { differs } = holders.find((one) => one.id === peer)!
    const digests = Buffer.concat(Array.from({ length: plan.count }, (_, i) => digest(i, i === differs ? 100 : 0)))
    swarm.handle(peer, { t: 'swarm.digests', key, first: 0, digests: digests.toString('base64') })
  })
  for (const holder of holders)
    swarm.handle(holder.id, {
      t: 'swarm.have',
      key,
      lengthBytes: plan.lengthBytes,
      map: '',
      complete: true,
      root: 'ab'.repeat(32) as never,
      signers: []
    })
  return { asked, dissents: () => findDissent(job, swarm) }
}

describe('who has another content than is here', () => {
  it('is heard, however many identities of a liar say so as well and then show nothing', async () => {
    const honest: Holder = { id: id(1), place: '10.0.0.1', differs: 2 }
    const liars = Array.from({ length: 40 }, (_, n): Holder => ({
      id: id(100 + n),
      place: `10.0.0.${66 + (n >> 3)}`,
      differs: null
    }))
    const { asked, dissents } = among([...liars, honest])
    expect(await dissents()).toEqual([{ peer: honest.id, index: 2 }])
    expect(asked).toHaveLength(6)
  })

  it('is asked at eight places at most', async () => {
    const liars = Array.from({ length: 40 }, (_, n): Holder => ({ id: id(100 + n), place: null, differs: 0 }))
    const { asked, dissents } = among(liars)
    expect(await dissents()).toHaveLength(8)
    expect(asked).toHaveLength(8)
  })
})
