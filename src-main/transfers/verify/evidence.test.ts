import { hash } from 'node:crypto'
import { beforeEach, expect, it } from 'vitest'
import type { ContentKey, PeerId } from '../../contract/ids.ts'
import type { Credential, EvidenceMessage } from '../../contract/peer-messages.ts'
import type { OriginVersion } from '../../origin/origin.ts'
import { encodeRecord, type PieceRecord } from '../../pieces/record.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { Evidence, type EvidenceWorld } from './evidence.ts'

const key = `version:${'a'.repeat(64)}` as ContentKey
const id = (n: number) => n.toString(16).padStart(64, '0') as PeerId
const [self, accuser, mallory, trudy] = [1, 2, 3, 4].map(id) as [PeerId, PeerId, PeerId, PeerId]
const bytes = Buffer.alloc(1000, 7)
const truth = hash('sha256', bytes, 'buffer')

const signedBy = (signer: PeerId, salt: number): PieceRecord => ({
  index: 0,
  epoch: 1,
  digest: salt === 0 ? truth : hash('sha256', Buffer.alloc(1000, salt), 'buffer'),
  signer,
  signature: Buffer.alloc(64, 1)
})
const accusing = (record: PieceRecord): EvidenceMessage => ({
  t: 'evidence',
  key,
  record: encodeRecord(record).toString('base64url'),
  signer: record.signer as unknown as Credential
})

let clock: ReturnType<typeof fakeClock>
let evidence: Evidence
let convicted: PeerId[]
/** What this PC has of the piece. */
let here: PieceRecord | undefined
let originAnswers: Promise<void>

beforeEach(() => {
  clock = fakeClock()
  convicted = []
  here = undefined
  originAnswers = Promise.resolve()
  const world = {
    clock,
    emit: () => {},
    changed: () => {},
    records: { verify: () => true },
    cache: { signedBy: () => [] },
    deliveries: { take: () => [], signedBy: () => [] },
    distrust: {
      has: (peer: PeerId) => convicted.includes(peer),
      add: ({ peer }: { peer: PeerId }) => convicted.push(peer) > 0
    },
    versionOf: () => ({ url: 'https://e.test/a', finalUrl: 'https://e.test/a', lengthBytes: 1000, ranges: true }),
    signed: () => here && { record: here, credential: null },
    origin: {
      async open(_: OriginVersion, { start, end }: { start: number; end: number }) {
        await originAnswers
        return Object.assign([bytes.subarray(start, end)], { start, destroy: () => {} })
      }
    },
    network: {
      self,
      connected: () => [],
      nameOf: () => 'pc',
      placeOf: (peer: PeerId) => peer,
      verifyCredential: (credential: unknown) => ({ id: credential, spki: Buffer.alloc(1) }),
      enforceMembership: () => {}
    }
  }
  evidence = new Evidence(world as unknown as EvidenceWorld)
})

it('of one liar convicts another one, of whom this PC has a lie about the same piece', async () => {
  here = signedBy(trudy, 2)
  await evidence.heard(accuser, accusing(signedBy(mallory, 1)))
  expect(convicted).toEqual([mallory, trudy])
})

it('convicts nobody whose record is true, here or in the accusation', async () => {
  here = signedBy(trudy, 0)
  await evidence.heard(accuser, accusing(signedBy(mallory, 0)))
  expect(convicted).toEqual([])
  await evidence.heard(accuser, accusing(signedBy(mallory, 1)))
  expect(convicted).toEqual([mallory])
})

it('is settled when the origin has been asked, and where that takes too long', async () => {
  const answers = Promise.withResolvers<void>()
  originAnswers = answers.promise
  const heard = evidence.heard(accuser, accusing(signedBy(mallory, 1)))
  let settled = false
  const waits = evidence.settled(key).then(() => (settled = true))
  await clock.pass(4999)
  expect(settled).toBe(false)
  await clock.pass(1)
  await waits
  expect(convicted).toEqual([])
  answers.resolve()
  await heard
  expect(convicted).toEqual([mallory])
  await evidence.settled(key)
})
