import { describe, expect, it } from 'vitest'
import { PieceBuffers } from '../pieces/piece-buffers.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { HotPieces } from './hot-pieces.ts'

const MIB = 1024 * 1024

function start() {
  const clock = fakeClock()
  const buffers = new PieceBuffers(clock)
  const hot = new HotPieces(clock, buffers)
  const reads: string[] = []
  const get = (name: string, bytes = MIB) =>
    hot.get(Buffer.from(name), bytes, async (into) => void (reads.push(name), into.fill(name)))
  /** Asks, and gives back at once. */
  const look = async (name: string, bytes?: number) => (await get(name, bytes)).release()
  return { clock, buffers, hot, reads, get, look }
}

describe('pieces read recently', () => {
  it('are read once, however many ask at the same moment', async () => {
    const { get, reads } = start()
    const all = await Promise.all([get('a'), get('a'), get('a')])
    expect(new Set(all.map(({ data }) => data)).size).toBe(1)
    expect(reads).toEqual(['a'])
  })

  it('make room for newer ones, the longest unused first', async () => {
    const { look, reads } = start()
    for (let i = 0; i < 8; i++) await look(`${i}`)
    await look('0')
    await look('8')
    reads.length = 0
    for (const name of ['0', '8', '1']) await look(name)
    expect(reads).toEqual(['1'])
  })

  it('are let go when nobody asks any more', async () => {
    const { clock, look, reads } = start()
    await look('a')
    await clock.pass(31_000)
    await look('a')
    expect(reads).toEqual(['a', 'a'])
  })

  it('do not keep a failed read', async () => {
    const { hot, get, buffers } = start()
    await expect(hot.get(Buffer.from('a'), MIB, () => Promise.reject(new Error('EIO')))).rejects.toThrow('EIO')
    expect(buffers.freeBytes).toBe(MIB)
    expect((await get('a')).data[0]).toBe(0x61)
  })

  it('are not kept when larger than everything', async () => {
    const { look, reads } = start()
    await look('big', 9 * MIB)
    await look('big', 9 * MIB)
    expect(reads).toEqual(['big', 'big'])
  })

  it('keep their bytes as long as somebody sends them, and then hand on their memory', async () => {
    const { get, look, buffers } = start()
    const sending = await get('a')
    for (let i = 0; i < 8; i++) await look(`${i}`)
    expect(buffers.freeBytes).toBe(0)
    for (let i = 8; i < 40; i++) await look(`${i}`)
    expect(sending.data.every((byte) => byte === 0x61)).toBe(true)
    const free = buffers.freeBytes
    sending.release()
    sending.release()
    expect(buffers.freeBytes).toBe(free + MIB)
  })
})
