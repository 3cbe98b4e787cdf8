import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { Settings } from '../contract/settings.ts'
import { AwakeClock } from '../lib/awake-clock.ts'
import { PartStack } from '../lib/part-stack.ts'
import { createHashPool } from '../pieces/hash-pool.ts'
import { PieceBuffers } from '../pieces/piece-buffers.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { openDeposit } from './open-hub.ts'

const clock = new AwakeClock(fakeClock())
const hashes = createHashPool({ workers: 1 })
let dataDir: string
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'larder-open-hub-'))
  await mkdir(join(dataDir, 'deposit', 'content'), { recursive: true })
  await writeFile(join(dataDir, 'deposit', 'content', 'data'), 'what somebody brought')
})
afterEach(() => rm(dataDir, { recursive: true }))
afterAll(() => hashes.close())

test.each([
  ['is turned off', true, 'off'],
  ['is on at a PC that is a hub no more', false, 'always']
] as const)('what was kept goes when the deposit %s', async (_title, isHub, deposit) => {
  const stack = new PartStack(clock)
  const settings = Settings.parse({ hub: { serve: isHub, deposit } })
  const keeping = { hashes, buffers: new PieceBuffers(clock), dataDir }
  expect(await openDeposit({ clock, settings: () => settings, keeping, isHub }, stack)).toBeUndefined()
  expect(await readdir(dataDir)).toEqual([])
})
