import { expect, test } from 'vitest'
import type { ToHub } from '../contract/hub-messages.ts'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import { Bitmap } from '../lib/bitmap.ts'
import { LarderError } from '../lib/errors.ts'
import type { ServedContent } from '../peers/network.ts'
import { lone } from '../pieces/piece-buffers.ts'
import { pieceLength, planPieces } from '../pieces/plan.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { Depositor } from './depositor.ts'

const MIB = 1024 * 1024
const hub = 'b'.repeat(64) as PeerId
const keyOf = (name: string) => `version:${name}` as ContentKey

interface Here {
  pieces: number
  readonly have: Set<number>
}

/** A depositor, what this PC has, and a hub that has nothing yet and keeps all it is brought. */
function rig({ answers = true, refuses = [] as string[] } = {}) {
  const clock = fakeClock()
  const here = new Map<ContentKey, Here>()
  const brought: string[] = []
  const sent: ToHub[] = []
  const opening: (() => void)[] = []
  let isSlow = false
  let cuts = 0
  const kept = new Set<number>()
  const served = ({ pieces, have }: Here): ServedContent => {
    const plan = planPieces(pieces * MIB)
    return {
      plan,
      has: (index) => have.has(index),
      record: (index) => ({ index, epoch: 1, digest: Buffer.alloc(32), signer: hub, signature: Buffer.alloc(64) }),
      read: async (index) => lone(Buffer.alloc(pieceLength(plan, index))),
      served: () => {},
      close: () => {}
    }
  }
  const depositor = new Depositor({
    clock,
    network: {
      deposits: {
        tagOf: () => 'a'.repeat(128),
        bring: async (_hub: PeerId, name: ContentKey, _content: ServedContent, { first }: { first: number }) => {
          brought.push(`${name.slice('version:'.length)} ${first}`)
          if (cuts-- > 0) {
            kept.add(first)
            throw new LarderError('PEER_LOST', 'The connection broke after the first piece of the run')
          }
          return 'kept'
        }
      } as never
    },
    open: async (key) => {
      if (isSlow) await new Promise<void>((resolve) => opening.push(resolve))
      const one = here.get(key)
      return one && served(one)
    },
    signersOf: () => [],
    progressOf: () => null,
    send: (to, message) => {
      sent.push(message)
      if (!answers || message.t !== 'hub.offer') return
      const map = new Bitmap(planPieces(message.lengthBytes).count)
      for (const index of kept) map.add(index)
      const isRefused = refuses.some((name) => keyOf(name) === message.key)
      clock.after(1, () => depositor.kept(to, message.key, isRefused ? '' : map.toBase64()))
    }
  })
  return {
    clock,
    depositor,
    brought,
    sent,
    has: (name: string, pieces: number, have: number[]) =>
      here.set(keyOf(name), { pieces, have: new Set(have) }).get(keyOf(name))!,
    /** So many runs are cut after their first piece. */
    cut: (times: number) => void (cuts = times),
    bring: (name: string) => depositor.bring(hub, keyOf(name), keyOf(name)),
    openSlowly: () => {
      isSlow = true
      return () => opening.splice(0).forEach((go) => go())
    }
  }
}

test('downloads that stand still keep nothing else from being brought, and go on when more of them is here', async () => {
  const { clock, brought, has, bring, depositor } = rig()
  const still = ['one', 'two', 'three'].map((name) => has(name, 2, [0]))
  has('whole', 1, [0])
  for (const name of ['one', 'two', 'three', 'whole']) bring(name)
  await clock.pass(2000)
  expect(brought).toEqual(['one 0', 'two 0', 'three 0', 'whole 0'])
  still[1]!.have.add(1)
  await clock.pass(2000)
  expect(brought.at(-1)).toBe('two 1')
  await depositor.stop()
})

test('what the hub has no room for holds up nothing else', async () => {
  const { clock, brought, has, bring, depositor } = rig({ refuses: ['big', 'huge'] })
  for (const name of ['big', 'huge', 'small']) has(name, 1, [0])
  for (const name of ['big', 'huge', 'small']) bring(name)
  await clock.pass(100)
  expect(brought).toEqual(['small 0'])
  await depositor.stop()
})

test('runs that are cut, as over a slow line, go on after the pieces that came', async () => {
  const { clock, brought, has, bring, depositor, cut } = rig()
  has('slow', 8, [0, 1, 2, 3, 4, 5, 6, 7])
  cut(7)
  bring('slow')
  await clock.pass(20_000)
  expect(brought).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((n) => `slow ${n}`))
  await depositor.stop()
})

test('a download that does not move for ten minutes is left', async () => {
  const { clock, brought, has, bring, depositor } = rig()
  const still = has('still', 2, [0])
  bring('still')
  await clock.pass(700_000)
  still.have.add(1)
  await clock.pass(2000)
  expect(brought).toEqual(['still 0'])
  // The hub may ask again.
  bring('still')
  await clock.pass(2000)
  expect(brought).toEqual(['still 0', 'still 0'])
  await depositor.stop()
})

test('stops at once, also while a content is being opened', async () => {
  const { clock, has, bring, depositor, openSlowly } = rig({ answers: false })
  has('a', 1, [0])
  const go = openSlowly()
  bring('a')
  await clock.pass(10)
  let stopped = false
  const stopping = depositor.stop().then(() => (stopped = true))
  go()
  await clock.pass(0)
  expect(stopped).toBe(true)
  await stopping
})
