import { describe, expect, test } from 'vitest'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { HolderRegistry, MAX_HOLDERS_KEPT } from './registry.ts'
import { ONLY_SITE, siteTable } from './site-table.ts'

const key = (n: number) => `site:${String(n).padStart(64, '0')}` as ContentKey
const peer = (n: number) => String(n).padStart(64, 'a') as PeerId

describe('what a hub remembers of holders', () => {
  test('names the newest first, and each for as long as it said', async () => {
    const clock = fakeClock()
    const registry = new HolderRegistry(clock, 100)
    registry.hold(key(1), peer(1), 1)
    registry.hold(key(1), peer(2), 2)
    expect(registry.holders(key(1))).toEqual([peer(2), peer(1)])
    await clock.pass(3_600_000)
    expect(registry.holders(key(1))).toEqual([peer(2)])
    registry.drop(key(1), peer(2))
    expect(registry.contentCount).toBe(0)
  })

  test('hides a holder from the one it failed, and forgets it when a second one says so', () => {
    const registry = new HolderRegistry(fakeClock(), 100)
    registry.hold(key(1), peer(1), 1)
    for (const _ of [1, 2, 3]) registry.failed(key(1), peer(1), peer(2))
    expect(registry.isUseless(key(1), peer(1), peer(2))).toBe(true)
    expect(registry.isUseless(key(1), peer(1), peer(3))).toBe(false)
    expect(registry.holders(key(1))).toEqual([peer(1)])
    registry.failed(key(1), peer(1), peer(3))
    expect(registry.holders(key(1))).toEqual([])
  })

  test('stays within its bounds, and forgets what nobody asked for longest', () => {
    const registry = new HolderRegistry(fakeClock(), 3)
    for (let i = 0; i < 40; i++) registry.hold(key(1), peer(i), 1)
    expect(registry.holders(key(1))).toHaveLength(MAX_HOLDERS_KEPT)
    for (const n of [2, 3]) registry.hold(key(n), peer(1), 1)
    registry.holders(key(1))
    registry.hold(key(4), peer(1), 1)
    expect(registry.contentCount).toBe(3)
    expect(registry.holders(key(2))).toEqual([])
    expect(registry.holders(key(1))).not.toEqual([])
  })
})

describe('the site of a PC', () => {
  const siteOf = siteTable([
    { name: 'Bremen', subnets: ['10.1.0.0/16', 'fd00:1::/32'] },
    { name: 'Kiel', subnets: ['10.2.0.0/16'] }
  ])

  test.each([
    [['10.1.2.3'], null, 'Bremen'],
    [['fd00:1::7'], null, 'Bremen'],
    [['192.168.1.1', '10.2.0.9'], null, 'Kiel'],
    [['10.2.0.9'], 'Bremen', 'Kiel'],
    [['10.9.0.1'], 'Bremen', 'Bremen'],
    [['10.9.0.1'], 'Atlantis', null],
    [['10.9.0.1'], null, null],
    [[], null, null]
  ])('at %j, stated %s, is %s', (addresses, stated, site) => expect(siteOf({ addresses, stated })).toBe(site))

  test('is one and the same for all where there is no table, unless they state it', () => {
    expect(siteTable([])({ addresses: ['10.9.0.1'], stated: null })).toBe(ONLY_SITE)
    expect(siteTable([])({ addresses: [], stated: 'Bremen' })).toBe('Bremen')
  })
})
