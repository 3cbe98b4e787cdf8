import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { Credential, SwarmMessage } from '../contract/peer-messages.ts'
import { Bitmap } from '../lib/bitmap.ts'
import { planPieces } from '../pieces/plan.ts'
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts'
import type { Job } from './job.ts'
import { mapFrom, Swarm } from './swarm.ts'

const id = (n: number) => n.toString(16).padStart(64, '0') as PeerId
const SELF = id(0)
const key = `version:${'a'.repeat(64)}` as ContentKey
const plan = planPieces(10 * 1024 * 1024)
const credential = (of: PeerId): Credential => ({ spki: of, proof: 'proven' })

/** A swarm over a network port that keeps what is sent and believes credentials that say "proven". */
function start(have: number[] = [], places = new Map<PeerId, string>(), mute: readonly PeerId[] = []) {
  const clock: FakeClock = fakeClock()
  const sent: [PeerId, SwarmMessage][] = []
  const banned = new Set<PeerId>()
  const bitmap = new Bitmap(plan.count)
  const signers = new Map<number, PeerId>()
  const add = (i: number, signer = SELF) => {
    bitmap.add(i)
    signers.set(i, signer)
  }
  have.forEach((i) => add(i))
  const partial = { have: bitmap, record: (i: number) => ({ signer: signers.get(i) }), credentials: new Map() }
  const job = {
    key,
    plan,
    partial,
    world: {
      clock,
      leftOut: {
        includes: (p: PeerId) => mute.includes(p),
        view: (p: PeerId) => (mute.includes(p) ? { since: 0, until: 1 } : undefined)
      },
      network: {
        self: SELF,
        credential: credential(SELF),
        send: (to: PeerId, m: SwarmMessage) => sent.push([to, m]) > 0,
        isBanned: (p: PeerId) => banned.has(p),
        placeOf: (p: PeerId) => places.get(p) ?? null,
        passOn: (c: Credential) => c,
        verifyCredential: (c: Credential) => (c.proof === 'proven' ? { id: c.spki } : undefined)
      }
    }
  } as unknown as Job
  return {
    swarm: new Swarm(job),
    partial,
    sent,
    clock,
    add,
    banned,
    to: (p: PeerId) => sent.filter(([to]) => to === p).map(([, m]) => m)
  }
}

it('counts once by place who says that the origin broke off', () => {
  const { swarm, to } = start(
    [],
    new Map([
      [id(1), '10.0.0.1'],
      [id(2), '10.0.0.1'],
      [id(3), '10.0.0.3']
    ])
  )
  const say = (from: PeerId, brokeOff = true) => swarm.handle(from, { t: 'swarm.progress', key, bytes: 5, brokeOff })
  for (const n of [1, 2, 1]) say(id(n))
  say(id(3), false)
  expect(swarm.brokeOffAt).toBe(1)
  say(id(3))
  expect(swarm.brokeOffAt).toBe(2)
  swarm.join(id(1))
  swarm.announceBrokeOff(7)
  expect(to(id(1))).toContainEqual({ t: 'swarm.progress', key, bytes: 7, brokeOff: true })
})

const map = (...pieces: number[]) => {
  const m = new Bitmap(plan.count)
  pieces.forEach((i) => m.add(i))
  return m.toBase64()
}
const haveMessage = (more: Partial<Extract<SwarmMessage, { t: 'swarm.have' }>> = {}): SwarmMessage => ({
  t: 'swarm.have',
  key,
  lengthBytes: plan.lengthBytes,
  map: map(1, 2),
  complete: false,
  signers: [],
  ...more
})

describe('the swarm of a content', () => {
  let s: ReturnType<typeof start>
  beforeEach(() => {
    s = start([0, 3])
  })

  it('tells of the last pieces at once, whoever else has them', () => {
    s.swarm.handle(id(1), { t: 'swarm.join', key })
    const told = () => s.to(id(1)).filter((m) => m.t === 'swarm.got')
    for (const index of [1, 2, 4, 5]) {
      s.add(index)
      s.swarm.announce(index, false)
    }
    expect(told()).toEqual([])
    for (const index of [6, 7]) {
      s.add(index)
      s.swarm.announce(index, false)
    }
    expect(told().flatMap((m) => (m.t === 'swarm.got' ? m.pieces : []))).toEqual([1, 2, 4, 5, 6, 7])
  })

  it('answers who joins with its map and credentials, and joins it in turn', () => {
    s.swarm.handle(id(1), { t: 'swarm.join', key })
    expect(s.to(id(1))).toEqual([
      {
        t: 'swarm.have',
        key,
        lengthBytes: plan.lengthBytes,
        map: map(0, 3),
        complete: false,
        signers: [credential(SELF)]
      },
      { t: 'swarm.join', key }
    ])
  })

  it('counts holders as maps and news come in and peers go', () => {
    s.swarm.join(id(1))
    s.swarm.join(id(2))
    s.swarm.handle(id(1), haveMessage())
    s.swarm.handle(id(2), haveMessage({ map: '', complete: true }))
    s.swarm.handle(id(1), { t: 'swarm.got', key, pieces: [5, 5, 9_999] })
    expect([...s.swarm.neighbours.holders]).toEqual([1, 2, 2, 1, 1, 2, 1, 1, 1, 1])
    s.swarm.forget(id(2))
    expect([...s.swarm.neighbours.holders]).toEqual([0, 1, 1, 0, 0, 1, 0, 0, 0, 0])
  })

  it('still tells a peer of its pieces when what that one offered was of no use, and may ask it again', async () => {
    s.swarm.handle(id(1), { t: 'swarm.join', key })
    s.swarm.handle(id(1), haveMessage())
    s.swarm.disregard(id(1))
    expect(s.swarm.neighbours.holders[1]).toBe(0)
    expect(s.swarm.unanswered).toBe(0)
    s.sent.length = 0
    s.add(4)
    s.swarm.announce(4, true)
    s.swarm.join(id(1))
    expect(s.to(id(1))).toEqual([
      { t: 'swarm.got', key, pieces: [4] },
      { t: 'swarm.join', key }
    ])
    expect(s.swarm.unanswered).toBe(1)
  })

  it('keeps nothing of a peer of no use that wants no news', () => {
    s.swarm.join(id(1))
    s.swarm.handle(id(1), haveMessage())
    s.swarm.disregard(id(1))
    expect(s.swarm.neighbours.size).toBe(0)
  })

  it('tells subscribers at once of the first new piece and gathers the next', async () => {
    s.swarm.handle(id(1), { t: 'swarm.join', key })
    s.sent.length = 0
    for (const i of [4, 5, 6]) {
      s.add(i)
      s.swarm.announce(i, true)
    }
    expect(s.to(id(1))).toEqual([{ t: 'swarm.got', key, pieces: [4] }])
    await s.clock.pass(110)
    expect(s.to(id(1)).slice(1)).toEqual([{ t: 'swarm.got', key, pieces: [5, 6] }])
  })

  it('does not tell of a piece who has it already', async () => {
    s.swarm.handle(id(1), { t: 'swarm.join', key })
    s.swarm.handle(id(1), haveMessage())
    s.swarm.handle(id(2), { t: 'swarm.join', key })
    s.sent.length = 0
    for (const i of [1, 4]) {
      s.add(i)
      s.swarm.announce(i, false)
    }
    expect(s.sent).toEqual([])
    await s.clock.pass(110)
    expect(s.to(id(1))).toEqual([{ t: 'swarm.got', key, pieces: [4] }])
    expect(s.to(id(2))).toEqual([{ t: 'swarm.got', key, pieces: [1, 4] }])
  })

  it('introduces a signer to each subscriber once', async () => {
    s.swarm.handle(id(7), haveMessage({ signers: [credential(id(9))] }))
    s.swarm.handle(id(1), { t: 'swarm.join', key })
    s.sent.length = 0
    s.add(4, id(9))
    s.swarm.announce(4, true)
    await s.clock.pass(110)
    s.add(5, id(9))
    s.swarm.announce(5, true)
    expect(s.to(id(1))).toEqual([
      { t: 'swarm.got', key, pieces: [4], signers: [credential(id(9))] },
      { t: 'swarm.got', key, pieces: [5] }
    ])
  })

  it('believes no credential that proves nothing', () => {
    s.swarm.handle(id(1), haveMessage({ signers: [{ spki: id(9), proof: 'made up' }] }))
    expect(s.swarm.credential(id(9))).toBeUndefined()
  })

  it('keeps the credentials of 256 signers, first of those who signed what is here, and looks for them once a message', () => {
    const looked = vi.spyOn(s.partial, 'record')
    const hear = (from: number) =>
      s.swarm.handle(id(1), haveMessage({ signers: Array.from({ length: 16 }, (_, i) => credential(id(from + i))) }))
    s.add(4, id(1000))
    for (let n = 0; n < 17; n++) hear(1000 + n * 16)
    const known = Array.from({ length: 17 * 16 }, (_, i) => s.swarm.credential(id(1000 + i)) !== undefined)
    expect(known.filter(Boolean)).toHaveLength(256)
    expect([known[0], known[1], known[16], known[17]]).toEqual([true, false, false, true])
    expect(looked).toHaveBeenCalledTimes(3)
  })

  it('forgets a peer whose content has another length or whose map does not fit', () => {
    s.swarm.join(id(1))
    s.swarm.handle(id(1), haveMessage({ lengthBytes: 5 }))
    s.swarm.join(id(2))
    s.swarm.handle(id(2), haveMessage({ map: 'AAAAAAAA' }))
    expect(s.swarm.neighbours.size).toBe(0)
    expect(s.swarm.unanswered).toBe(0)
  })

  it('does not listen to the banned', () => {
    s.banned.add(id(1))
    s.swarm.handle(id(1), haveMessage())
    s.swarm.join(id(1))
    expect(s.swarm.neighbours.size).toBe(0)
    expect(s.sent).toEqual([])
  })

  it('ignores news from who never sent a map', () => {
    s.swarm.handle(id(1), { t: 'swarm.got', key, pieces: [1] })
    expect(s.swarm.neighbours.holders[1]).toBe(0)
  })
})

describe('a piece map as it travels', () => {
  it('is refused when it does not fit', () => {
    expect(mapFrom('', 1)).toBeNull()
    expect(mapFrom('gA==', 1)?.count).toBe(1)
    expect(mapFrom('not base64 at all!', 8)).toBeNull()
  })
})

it('asks nothing of one whose large answers get lost, believes no map of it, and tells it what is here', () => {
  const { swarm, to, add } = start([0], new Map(), [id(1)])
  swarm.join(id(1))
  expect(to(id(1))).toEqual([])
  swarm.handle(id(1), { t: 'swarm.join', key })
  swarm.handle(id(1), { t: 'swarm.have', key, lengthBytes: plan.lengthBytes, map: '', complete: true, signers: [] })
  expect(swarm.neighbours.get(id(1))?.offered).toBeNull()
  expect(swarm.leftOut).toEqual([id(1)])
  add(1)
  swarm.announce(1, true)
  expect(to(id(1)).map(({ t }) => t)).toEqual(['swarm.have', 'swarm.got'])
})
