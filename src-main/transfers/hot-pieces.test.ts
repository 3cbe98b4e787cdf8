import { describe, expect, it } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { HotPieces } from './hot-pieces.ts'

const MIB = 1024 * 1024
const reader = () => {
  const reads: string[] = []
  return { reads, read: (name: string, bytes = MIB) => async () => (reads.push(name), Buffer.alloc(bytes)) }
}

describe('pieces read lately', () => {
  it('are read once, however many ask at the same moment', async () => {
    const hot = new HotPieces(fakeClock())
    const { reads, read } = reader()
    const all = await Promise.all([1, 2, 3].map(() => hot.get(Buffer.from('a'), read('a'))))
    expect(new Set(all).size).toBe(1)
    expect(reads).toEqual(['a'])
  })

  it('make room for newer ones, the longest unused first', async () => {
    const hot = new HotPieces(fakeClock())
    const { reads, read } = reader()
    for (let i = 0; i < 8; i++) await hot.get(Buffer.from(`${i}`), read(`${i}`))
    await hot.get(Buffer.from('0'), read('0'))
    await hot.get(Buffer.from('8'), read('8'))
    reads.length = 0
    for (const name of ['0', '8', '1']) await hot.get(Buffer.from(name), read(name))
    expect(reads).toEqual(['1'])
  })

  it('are let go when nobody asks any more', async () => {
    const clock = fakeClock()
    const hot = new HotPieces(clock)
    const { reads, read } = reader()
    await hot.get(Buffer.from('a'), read('a'))
    await clock.pass(31_000)
    await hot.get(Buffer.from('a'), read('a'))
    expect(reads).toEqual(['a', 'a'])
  })

  it('does not keep a failed read', async () => {
    const hot = new HotPieces(fakeClock())
    await expect(hot.get(Buffer.from('a'), () => Promise.reject(new Error('EIO')))).rejects.toThrow('EIO')
    await expect(hot.get(Buffer.from('a'), async () => Buffer.from('x'))).resolves.toEqual(Buffer.from('x'))
  })

  it('is not kept when it is larger than everything', async () => {
    const hot = new HotPieces(fakeClock())
    const { reads, read } = reader()
    await hot.get(Buffer.from('big'), read('big', 9 * MIB))
    await hot.get(Buffer.from('big'), read('big', 9 * MIB))
    expect(reads).toEqual(['big', 'big'])
  })
})
