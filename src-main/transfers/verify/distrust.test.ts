import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ContentKey, PeerId, Sha256Hex } from '../../contract/ids.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { Distrust, type ProvenLie } from './distrust.ts'

const peer = (n: number) => n.toString(16).padStart(64, '0') as PeerId
const provenLie = (n: number, until: number): ProvenLie => ({
  peer: peer(n),
  at: 0,
  until,
  key: `version:${'a'.repeat(64)}` as ContentKey,
  url: 'https://e.test/a',
  record: 'A'.repeat(182),
  credential: { spki: 's', proof: 'p' },
  truth: 'b'.repeat(64) as Sha256Hex
})

describe('distrust', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'larder-distrust-'))
  })
  afterEach(() => rm(dir, { recursive: true }))
  const path = () => join(dir, 'distrust.json')

  it('with its proof outlives a restart, in a file for this user alone, and ends with its time', async () => {
    const clock = fakeClock()
    const now = clock.wallMs()
    const before = await Distrust.open(path(), clock)
    expect(before.add(provenLie(1, now + 1000))).toBe(true)
    expect(before.add(provenLie(1, now + 2000))).toBe(false)
    await before.close()
    if (process.platform !== 'win32') expect((await stat(path())).mode & 0o077).toBe(0)
    const after = await Distrust.open(path(), clock)
    expect(after.list()).toEqual([provenLie(1, now + 2000)])
    expect([after.has(peer(1)), after.has(peer(2))]).toEqual([true, false])
    await clock.pass(2000)
    expect([after.has(peer(1)), after.list()]).toEqual([false, []])
  })

  it('is bounded: whose time ends first makes room', async () => {
    const clock = fakeClock()
    const distrust = await Distrust.open(path(), clock)
    for (let n = 0; n <= 256; n++) distrust.add(provenLie(n, clock.wallMs() + 10_000 + n))
    expect(distrust.list()).toHaveLength(256)
    expect(distrust.has(peer(0))).toBe(false)
    expect(distrust.has(peer(256))).toBe(true)
    await distrust.close()
  })

  it.each(['', '{', '[]', '{"v":2}', '{"v":1,"provenLies":[{}]}'])(
    'begins empty with a damaged file: %s',
    async (text) => {
      await writeFile(path(), text)
      expect((await Distrust.open(path(), fakeClock())).list()).toEqual([])
    }
  )
})
