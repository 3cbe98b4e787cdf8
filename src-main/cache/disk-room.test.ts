import { expect, test } from 'vitest'
import { fakeClock } from '../testing/fake-clock.ts'
import { DiskRoom } from './disk-room.ts'

const full = () => Object.assign(new Error('no space'), { code: 'ENOSPC', syscall: 'write' })

/** A disk with this many bytes free; an eviction frees `gives`. */
function disk(free: number, gives = 0, minFreeBytes = 0) {
  const events: string[] = []
  const state = { free }
  const room = new DiskRoom({
    clock: fakeClock(),
    minFreeBytes: () => minFreeBytes,
    freeBytes: async () => state.free,
    evict: async (bytes, { refused }) => {
      events.push(`evict ${bytes}${refused ? ' refused' : ''}`)
      state.free += gives
    },
    onFull: () => events.push('full'),
    onRecovered: () => events.push('recovered')
  })
  return { room, events, state }
}

test('evicts once and tries again when the system says that the disk is full', async () => {
  const { room, events } = disk(10_000_000)
  let tries = 0
  const result = await room.run(100, async () => {
    if (++tries === 1) throw full()
    return 'written'
  })
  expect(result).toBe('written')
  expect(events).toEqual(['evict 1048576 refused'])
})

test('says DISK_FULL and diskFull once, then diskRecovered with the first write that works', async () => {
  const { room, events } = disk(10_000_000)
  const failing = () =>
    room.run(100, async () => {
      throw full()
    })
  await expect(failing()).rejects.toMatchObject({ code: 'DISK_FULL' })
  await expect(failing()).rejects.toMatchObject({ code: 'DISK_FULL' })
  expect(room.full).toBe(true)
  await room.run(100, async () => {})
  await room.run(100, async () => {})
  expect(room.full).toBe(false)
  expect(events.filter((event) => !event.startsWith('evict'))).toEqual(['full', 'recovered'])
})

test('keeps the minimum of free space, evicting for it where that helps', async () => {
  const enough = disk(1000, 500, 900)
  await enough.room.ensure(300)
  expect(enough.events).toEqual(['evict 300'])
  const never = disk(1000, 0, 900)
  await expect(never.room.ensure(300)).rejects.toMatchObject({
    code: 'DISK_FULL',
    details: { neededBytes: 300, freeBytes: 1000 }
  })
  never.state.free = 5000
  await never.room.ensure(300)
})

test('counts what was written since the free space was last asked for', async () => {
  const { room, events } = disk(1000, 0, 0)
  await room.run(900, async () => {})
  expect(room.freeBytes).toBe(100)
  await room.run(200, async () => {})
  expect(events).toEqual([])
})

test('other errors of the system are CACHE_UNUSABLE, errors of the program stay what they are', async () => {
  const { room } = disk(1000)
  await expect(
    room.run(1, async () => {
      throw Object.assign(new Error('rotten'), { code: 'EIO', syscall: 'write' })
    })
  ).rejects.toMatchObject({ code: 'CACHE_UNUSABLE' })
  await expect(
    room.run(1, async () => {
      throw new RangeError('mine')
    })
  ).rejects.toThrow(RangeError)
})

test('a system that cannot say how much is free does not stop anything', async () => {
  const room = new DiskRoom({
    clock: fakeClock(),
    minFreeBytes: () => 10 ** 15,
    freeBytes: async () => {
      throw new Error('unknown')
    },
    evict: async () => {},
    onFull: () => {},
    onRecovered: () => {}
  })
  await room.run(1, async () => {})
  expect(room.freeBytes).toBe(null)
})
