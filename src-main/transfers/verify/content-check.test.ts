import { hash } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import type { ContentKey, PeerId } from '../../contract/ids.ts'
import { Settings } from '../../contract/settings.ts'
import { Bitmap } from '../../lib/bitmap.ts'
import { LarderError } from '../../lib/errors.ts'
import type { OriginVersion } from '../../origin/origin.ts'
import { planPieces } from '../../pieces/plan.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import type { Job } from '../job.ts'
import type { Swarm } from '../swarm.ts'
import { ContentCheck } from './content-check.ts'
import type { Proof } from './trust.ts'

const key = `version:${'5a'.repeat(32)}` as ContentKey
const plan = planPieces(6 * 1024 * 1024)
const id = (n: number) => n.toString(16).padStart(64, '0') as PeerId
const self = id(999)
const giver = id(998)

const digests = Array.from({ length: 9 }, (_, salt) => hash('sha256', Buffer.alloc(plan.pieceBytes, salt), 'buffer'))
/** Of a piece, whose bytes one number tells. */
const digestOf = (salt: number) => digests[salt]!

interface Holder {
  readonly index: number
  readonly salt: number
  readonly signer: PeerId
  readonly busy?: boolean
}

/** A content whose pieces hold `here`, of which the origin, which gives no ranges, has `atOrigin` by now. */
function checkOf(holders: readonly Holder[], { here = 1, atOrigin = 1, signer = giver } = {}) {
  const clock = fakeClock()
  const proven: Proof[] = []
  let asked = 0
  const events = new EventEmitter()
  const peer = (n: number) => id(n + 1)
  const holderOf = (from: PeerId) => holders[parseInt(from, 16) - 1]!
  const world = {
    clock,
    random: () => 0.5,
    settings: { sharing: Settings.parse({}).sharing },
    records: { verify: () => true },
    networks: { of: () => null },
    evidence: {
      suspects: () => false,
      distrusts: (who: PeerId) => proven.some(({ record }) => record.signer === who),
      prove: (proof: Proof) => void proven.push(proof)
    },
    origin: {
      async open(_version: OriginVersion, { start, end }: { start: number; end: number }) {
        asked++
        return Object.assign([Buffer.alloc(end - start, atOrigin)], { start, destroy: () => {} })
      }
    },
    network: {
      self,
      connected: () => [],
      placeOf: (who: PeerId) => who,
      memberKey: () => Buffer.alloc(1),
      send(to: PeerId) {
        const other = holderOf(to)
        const digests = Buffer.concat(
          Array.from({ length: plan.count }, (_, i) => digestOf(i === other.index ? other.salt : here))
        )
        queueMicrotask(() => events.emit('digests', to, 0, digests))
        return true
      },
      async *fetchPieces(from: PeerId) {
        const other = holderOf(from)
        if (other.busy) throw new LarderError('PEER_BUSY', 'busy')
        yield {
          record: { index: other.index, digest: digestOf(other.salt), signer: other.signer },
          release: () => {}
        }
      }
    }
  }
  const partial = {
    have: Bitmap.full(plan.count),
    record: (index: number) => ({ index, digest: digestOf(here), signer })
  }
  // The first piece came from somebody else in any case.
  if (signer === self) partial.record = (index) => ({ index, digest: digestOf(here), signer: index ? self : giver })
  const swarm = Object.assign(events, {
    neighbours: { all: () => holders.map((_, n) => ({ id: peer(n), root: 'ab'.repeat(32) })) },
    credential: () => undefined
  })
  const version = { finalUrl: 'https://origin.test/file', lengthBytes: plan.lengthBytes, ranges: false }
  const check = new ContentCheck(
    { key, plan, partial, world, ownPriority: () => 'foreground' } as unknown as Job,
    { version: version as unknown as OriginVersion, headers: undefined },
    { expected: null, kind: 'resource' },
    swarm as unknown as Swarm
  )
  return { check, clock, proven, asked: () => asked }
}

describe('of several signers of one piece', () => {
  it('that one has lied who says other than the origin', async () => {
    const right = checkOf([{ index: 2, salt: 7, signer: id(1) }])
    expect(await right.check.judge()).toMatchObject({ is: 'checked' })
    expect(right.proven.map(({ record }) => record.signer)).toEqual([id(1)])
    const wrong = checkOf([{ index: 2, salt: 7, signer: id(1) }], { here: 6, atOrigin: 7 })
    expect(await wrong.check.judge()).toMatchObject({ is: 'lie', lie: { record: { index: 2, signer: giver } } })
    expect(wrong.proven).toEqual([])
  })

  it('nobody is accused where the origin bears out none of them: the content has changed there', async () => {
    const { check, proven } = checkOf([{ index: 2, salt: 7, signer: id(1) }], { here: 6, atOrigin: 8 })
    await expect(check.judge()).rejects.toMatchObject({ code: 'ORIGIN_CHANGED' })
    expect(proven).toEqual([])
  })

  it('that one counts who is borne out, whatever others sign beside it', async () => {
    for (const index of [2, 3]) {
      const holders = [
        { index, salt: 7, signer: id(1) },
        { index: 2, salt: 8, signer: id(2) }
      ]
      const { check } = checkOf(holders, { here: 6, atOrigin: 8 })
      expect(await check.judge()).toMatchObject({ is: 'lie', lie: { record: { index: 2, signer: giver } } })
    }
  })

  it('nobody is accused where the origin gave this PC itself something else before', async () => {
    const { check, proven } = checkOf([{ index: 2, salt: 7, signer: id(1) }], { here: 6, atOrigin: 7, signer: self })
    await expect(check.judge()).rejects.toMatchObject({ code: 'ORIGIN_CHANGED' })
    expect(proven).toEqual([])
  })
})

describe('the origin', () => {
  it('is asked once for a piece, however many differ there', async () => {
    const { check, proven, asked } = checkOf([1, 2, 3, 4].map((n) => ({ index: 2, salt: 7, signer: id(n) })))
    await check.judge()
    expect(asked()).toBe(1)
    expect(proven).toHaveLength(4)
  })

  it('is asked nothing about a signer who has been found out', async () => {
    const { check, proven, asked } = checkOf([1, 2, 3].map((index) => ({ index, salt: 7, signer: id(1) })))
    await check.judge()
    expect(asked()).toBe(1)
    expect(proven).toHaveLength(1)
  })

  it('is asked for three pieces at most', async () => {
    const { check, asked } = checkOf([1, 2, 3, 4, 5].map((n) => ({ index: n, salt: 7, signer: id(n) })))
    await check.judge()
    expect(asked()).toBe(3)
  })
})

it('who waits for a busy holder is called off with the check', async () => {
  const { check, clock } = checkOf([{ index: 2, salt: 7, signer: id(1), busy: true }])
  const judged = check.judge()
  judged.catch(() => {})
  await clock.pass(10)
  check.close()
  await expect(judged).rejects.toMatchObject({ code: 'CANCELLED' })
})
