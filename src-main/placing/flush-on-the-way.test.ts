import { expect, it, vi } from 'vitest'
import { FlushOnTheWay } from './flush-on-the-way.ts'

const MIB = 1024 * 1024

/** A disk whose flushes end when the test says so. */
function slowDisk() {
  const running: PromiseWithResolvers<void>[] = []
  const flushes = new FlushOnTheWay(() => {
    const flush = Promise.withResolvers<void>()
    running.push(flush)
    return flush.promise
  })
  return { flushes, running }
}

it('flushes a portion while the next one is written, and waits for a disk that does not keep up', async () => {
  const { flushes, running } = slowDisk()
  await flushes.wrote(31 * MIB)
  expect(running).toHaveLength(0)
  await flushes.wrote(MIB)
  expect(running).toHaveLength(1)
  await flushes.wrote(31 * MIB)
  let went = false
  const next = flushes.wrote(MIB).then(() => (went = true))
  await Promise.resolve()
  expect([went, running.length]).toEqual([false, 1])
  running[0]!.resolve()
  await next
  expect(running).toHaveLength(2)
  running[1]!.resolve()
  await flushes.end()
})

it('two writers that wait for the same flush begin one, not two', async () => {
  const { flushes, running } = slowDisk()
  await flushes.wrote(32 * MIB)
  const both = [flushes.wrote(32 * MIB), flushes.wrote(MIB)]
  running[0]!.resolve()
  await Promise.all(both)
  expect(running).toHaveLength(2)
  running[1]!.resolve()
  await flushes.end()
})

it('flushes what is left as soon as the running flush has ended, when nothing more will be written', async () => {
  const { flushes, running } = slowDisk()
  await flushes.wrote(32 * MIB)
  await flushes.wrote(5 * MIB)
  flushes.soon()
  expect(running).toHaveLength(1)
  const ended = flushes.end()
  running[0]!.resolve()
  await vi.waitFor(() => expect(running).toHaveLength(2))
  running[1]!.resolve()
  await ended
})

it('tells what a flush has met at the next write and at the end', async () => {
  const { flushes, running } = slowDisk()
  await flushes.wrote(32 * MIB)
  running[0]!.reject(Object.assign(new Error('made up'), { code: 'EIO' }))
  await expect(flushes.end()).rejects.toMatchObject({ code: 'EIO' })
  await expect(flushes.wrote(1)).rejects.toMatchObject({ code: 'EIO' })
})
