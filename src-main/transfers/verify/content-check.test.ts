import { hash } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
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
/** Four PCs compare a fourth of what is so small. */
const SMALL = 40 * 1024
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
function checkOf(
  holders: readonly Holder[],
  { here = 1, atOrigin = 1, signer = giver, bytes = plan.lengthBytes, luck = 0.5, settled = () => {} } = {}
) {
  const clock = fakeClock()
  const plan = planPieces(bytes)
  const proven: Proof[] = []
  const said: string[] = []
  const others = Promise.withResolvers<void>()
  let asked = 0
  const events = new EventEmitter()
  const peer = (n: number) => id(n + 1)
  const holderOf = (from: PeerId) => holders[parseInt(from, 16) - 1]!
  const world = {
    clock,
    random: () => luck,
    settings: { sharing: Settings.parse({}).sharing },
    records: { verify: () => true },
    networks: { of: () => null },
    evidence: {
      suspects: () => false,
      settled: async () => settled(),
      distrusts: (who: PeerId) => proven.some(({ record }) => record.signer === who),
      prove: (proof: Proof) => void proven.push(proof)
    },
    checks: {
      announce: () => {
        said.push('begun')
        return () => void said.push('over')
      },
      over: () => {
        said.push('waits')
        return others.promise
      }
    },
    origin: {
      async open(_version: OriginVersion, { start, end }: { start: number; end: number }) {
        asked++
        return Object.assign([Buffer.alloc(end - start, atOrigin)], { start, destroy: () => {} })
      }
    },
    network: {
      self,
      connected: () => [1, 2, 3].map((n) => ({ id: id(n) })),
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
    record: (index: number) => ({ index, digest: digestOf(here), signer }),
    read: async (_index: number, into: Buffer) => into.fill(here)
  }
  // The first piece came from somebody else in any case.
  if (signer === self) partial.record = (index) => ({ index, digest: digestOf(here), signer: index ? self : giver })
  const swarm = Object.assign(events, {
    neighbours: { all: () => holders.map((_, n) => ({ id: peer(n), root: 'ab'.repeat(32) })) },
    credential: () => undefined
  })
  if (holders.length > 0) others.resolve()
  const version = { finalUrl: 'https://origin.test/file', lengthBytes: plan.lengthBytes, ranges: false }
  const check = new ContentCheck(
    { key, plan, partial, world, ownPriority: () => 'foreground' } as unknown as Job,
    { version: version as unknown as OriginVersion, headers: undefined },
    { expected: null, kind: 'resource' },
    swarm as unknown as Swarm
  )
  return { check, clock, proven, said, othersEnd: others.resolve, asked: () => asked }
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

describe('who chance has chosen to compare a small content', () => {
  it('says so before anything came, and that it is over before it waits for others', async () => {
    const { check, said, othersEnd } = checkOf([], { bytes: SMALL, luck: 0 })
    check.announce()
    expect(said).toEqual(['begun'])
    const judged = check.judge()
    await vi.waitFor(() => expect(said).toEqual(['begun', 'over', 'waits']))
    othersEnd()
    expect(await judged).toMatchObject({ is: 'checked', checked: { verifiedBy: 'sample' } })
    check.close()
    expect(said).toHaveLength(3)
  })

  it('lets others wait for the evidence of a lie', async () => {
    const { check, said } = checkOf([], { bytes: SMALL, luck: 0, here: 2, atOrigin: 3 })
    check.announce()
    expect(await check.judge()).toMatchObject({ is: 'lie' })
    expect(said).toEqual(['begun'])
    check.over()
    expect(said).toEqual(['begun', 'over'])
  })

  it('keeps nobody waiting when it is called off', () => {
    const { check, said } = checkOf([], { bytes: SMALL, luck: 0 })
    check.announce()
    check.close()
    expect(said).toEqual(['begun', 'over'])
  })
})

it('what everybody compares, or nobody can, is announced by none', () => {
  for (const bytes of [SMALL, plan.lengthBytes]) {
    const { check, said } = checkOf([], { bytes, luck: 0.9 })
    check.announce()
    expect(said).toEqual([])
  }
})

it('who was found out while others compared is believed no more', async () => {
  const proven: PeerId[] = []
  const rig = checkOf([], { bytes: SMALL, luck: 0.9, settled: () => proven.push(giver) })
  const judged = rig.check.judge()
  await vi.waitFor(() => expect(rig.said).toEqual(['waits']))
  rig.proven.push({ record: { signer: giver } } as unknown as Proof)
  rig.othersEnd()
  expect(await judged).toMatchObject({ is: 'disowned' })
  expect(proven).toEqual([giver])
})
