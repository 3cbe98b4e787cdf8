import { createHash, randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { describe, expect, test } from 'vitest'
import type { Cache, CachedContent, ContentReader } from '../cache/cache.ts'
import type { Sha256Hex } from '../contract/ids.ts'
import { LarderError } from '../lib/errors.ts'
import { pieceLength, pieceStart, planPieces } from '../pieces/plan.ts'
import { readSpan, type ByteSpan } from './growing-reader.ts'
import type { PieceSupply } from '../transfers/supply.ts'

const MIB = 1024 ** 2
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()

/** A transfer of which a test says what it has, over a cache that has what is complete. */
function setUp(bytes = 4 * MIB + 10) {
  const data = randomBytes(bytes)
  const plan = planPieces(bytes)
  const slice = (index: number) =>
    data.subarray(pieceStart(plan, index), pieceStart(plan, index) + pieceLength(plan, index))
  const sha256 = digest(data).toString('hex') as Sha256Hex
  const has = new Set<number>()
  const lies = new Map<number, Buffer>()
  let open = 0
  const events = new EventEmitter<{ changed: []; done: [CachedContent]; failed: [LarderError] }>()
  const transfer = Object.assign(events, {
    plan,
    role: 'follower' as const,
    content: null as CachedContent | null,
    has: (index: number) => has.has(index),
    read: async (index: number) => {
      const piece = lies.get(index) ?? slice(index)
      return { bytes: Buffer.from(piece), digest: digest(piece) }
    }
  }) satisfies PieceSupply
  const cache = {
    open: async (): Promise<ContentReader> => {
      open++
      return {
        sha256,
        plan,
        provenances: [],
        pieceDigests: Buffer.concat(Array.from({ length: plan.count }, (_, index) => digest(slice(index)))),
        read: async (start, length) => Buffer.from(data.subarray(start, start + length)),
        close: async () => void open--
      }
    }
  } as unknown as Cache
  const gone = new AbortController()
  return {
    data,
    transfer,
    lies,
    gone,
    openReaders: () => open,
    read: (span: ByteSpan) => readSpan({ from: 'transfer', transfer }, cache, span, gone.signal),
    fromCache: (span: ByteSpan) => readSpan({ from: 'cache', sha256 }, cache, span, gone.signal),
    get: (...indices: number[]) => {
      for (const index of indices) has.add(index)
      events.emit('changed')
    },
    finish: () => {
      const content: CachedContent = { sha256, plan, createdAt: 0 }
      transfer.content = content
      events.emit('done', content)
    }
  }
}

/** Settles to 'waiting' when nothing comes after all that can run has run. */
async function soon<T>(promise: Promise<T>): Promise<T | 'waiting'> {
  return Promise.race([
    promise,
    new Promise<'waiting'>((resolve) => setImmediate(() => setImmediate(() => setImmediate(() => resolve('waiting')))))
  ])
}

async function all(bytes: AsyncGenerator<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of bytes) chunks.push(chunk)
  return Buffer.concat(chunks)
}

describe('a reader of a content that is still coming in', () => {
  test('gets each piece when it is its turn, whatever order they come in', async () => {
    const { read, get, data } = setUp()
    const bytes = read({ start: 0, end: data.length })
    const first = bytes.next()
    get(2)
    expect(await soon(first)).toBe('waiting')
    get(0)
    expect(data.subarray(0, MIB).equals((await first).value as Buffer)).toBe(true)
    const second = bytes.next()
    expect(await soon(second)).toBe('waiting')
    get(1)
    expect(data.subarray(MIB, 2 * MIB).equals((await second).value as Buffer)).toBe(true)
  })

  test('gets the last piece only when the whole is verified', async () => {
    const { read, get, finish, data, openReaders } = setUp()
    const bytes = read({ start: 4 * MIB, end: data.length })
    get(0, 1, 2, 3, 4)
    const last = bytes.next()
    expect(await soon(last)).toBe('waiting')
    finish()
    expect((await last).value).toEqual(data.subarray(4 * MIB))
    expect((await bytes.next()).done).toBe(true)
    expect(openReaders()).toBe(0)
  })

  test('is never given an end when a piece it was given turns out to be a lie', async () => {
    const { read, get, finish, data, lies, openReaders } = setUp()
    lies.set(1, Buffer.alloc(MIB, 1))
    const bytes = read({ start: 0, end: data.length })
    get(0, 1)
    await bytes.next()
    await bytes.next()
    finish()
    await expect(bytes.next()).rejects.toMatchObject({ code: 'PIECE_DIGEST_MISMATCH', details: { piece: 1 } })
    expect(openReaders()).toBe(0)
  })

  test('gets exactly the bytes of its span', async () => {
    const { read, fromCache, get, finish, data, openReaders } = setUp()
    get(0, 1, 2, 3, 4)
    for (const [start, end] of [
      [0, 1],
      [MIB - 1, MIB + 1],
      [MIB, 2 * MIB],
      [5, 3 * MIB + 5]
    ] as const)
      expect(data.subarray(start, end).equals(await all(read({ start, end })))).toBe(true)
    finish()
    for (const [start, end] of [
      [0, data.length],
      [4 * MIB - 3, data.length],
      [data.length - 1, data.length],
      [7, 7]
    ] as const) {
      expect(data.subarray(start, end).equals(await all(read({ start, end })))).toBe(true)
      expect(data.subarray(start, end).equals(await all(fromCache({ start, end })))).toBe(true)
    }
    expect(openReaders()).toBe(0)
  })

  test('learns that the transfer failed, or that it should stop, while it waits', async () => {
    const failing = setUp()
    const first = failing.read({ start: 0, end: 10 }).next()
    failing.transfer.emit('failed', new LarderError('ORIGIN_CHANGED', 'changed'))
    await expect(first).rejects.toMatchObject({ code: 'ORIGIN_CHANGED' })
    const stopping = setUp()
    const other = stopping.read({ start: 0, end: 10 }).next()
    stopping.gone.abort(new LarderError('CANCELLED', 'gone'))
    await expect(other).rejects.toMatchObject({ code: 'CANCELLED' })
    for (const { transfer } of [failing, stopping])
      expect(['changed', 'done', 'failed'].map((name) => transfer.listenerCount(name as 'done'))).toEqual([0, 0, 0])
  })

  test('keeps nothing open when it stops in the middle', async () => {
    const { fromCache, read, finish, data, openReaders } = setUp()
    finish()
    for (const bytes of [fromCache({ start: 0, end: data.length }), read({ start: 0, end: data.length })]) {
      await bytes.next()
      await bytes.return(undefined)
    }
    expect(openReaders()).toBe(0)
  })
})
