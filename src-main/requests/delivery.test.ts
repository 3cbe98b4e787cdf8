import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { BegunFiles } from '../placing/begun-files.ts'
import { DestinationsInUse } from '../placing/destinations-in-use.ts'
import type { TransferWorld } from '../transfers/job.ts'
import type { JoinedTransfer } from '../transfers/supply.ts'
import { Delivery } from './delivery.ts'

let dir: string
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'larder-delivery-'))))
afterEach(() => rm(dir, { recursive: true, force: true }))

const listed = async () => JSON.parse(await readFile(join(dir, 'begun.json'), 'utf8')) as string[]

test('the next request for a place stays noted when the one before has cleared up there', async () => {
  const begunFiles = await BegunFiles.open(join(dir, 'begun.json'))
  const noting = vi.spyOn(begunFiles, 'note')
  const world = { begunFiles } as unknown as TransferWorld
  const inUse = new DestinationsInUse()
  const prepare = () => Delivery.prepare(world, { destination: join(dir, 'file'), overwrite: true }, inUse)
  const discarded = Promise.withResolvers<void>()
  const transfer = (discard: () => Promise<void>) =>
    ({
      plan: { lengthBytes: 100 * 1024 * 1024 },
      copyTo: async () => ({ discard })
    }) as unknown as JoinedTransfer

  const first = await prepare()
  first.follow(transfer(() => discarded.promise))
  await vi.waitFor(async () => expect(await listed()).toHaveLength(1))
  const left = first.end()
  const second = await prepare()
  second.follow(transfer(async () => {}))
  await vi.waitFor(() => expect(noting).toHaveBeenCalledTimes(2))
  discarded.resolve()
  await left
  expect(await listed()).toHaveLength(1)
  await second.end()
  expect(await listed()).toEqual([])
})
