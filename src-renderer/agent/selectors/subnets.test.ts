import { expect, test } from 'vitest'
import { fixturePeers } from '../../testing/snapshots.ts'
import { hubSentence, otherSubnets, shareSentence } from './subnets.ts'

const hub = {
  url: 'larder://hub',
  id: null,
  name: 'hub',
  state: 'connected',
  reason: null,
  site: 'Bremen',
  since: 0
} as const

test.each([
  [hub, /Site: Bremen/],
  [{ ...hub, site: null }, /in no site/],
  [
    { ...hub, state: 'lost', name: null, reason: 'has no agent at this port' },
    /^It has no agent at this port\. Until it can be reached/
  ],
  [{ ...hub, state: 'self' }, /This PC is this hub/]
] as const)('what %j means is said', (of, said) => expect(hubSentence(of)).toMatch(said))

test('a hub that is lost matters only where no other one is connected', () => {
  const lost = { ...hub, state: 'lost', reason: 'stopped' } as const
  expect(hubSentence(lost, [lost])).toMatch(/downloads by itself\.$/)
  expect(hubSentence(lost, [lost, hub])).toMatch(/Another hub stands in for it\.$/)
})

test('far PCs that are connected are told by subnet', () => {
  const [a, b, c, d] = fixturePeers(4).map((peer) => ({ ...peer, far: true, state: 'connected' as const }))
  const peers = [
    { ...a!, subnet: '10.1.10.0/24' },
    { ...b!, subnet: '10.1.3.0/24' },
    { ...c!, subnet: '10.1.3.0/24' },
    { ...d!, subnet: '10.1.4.0/24', state: 'lost' as const },
    ...fixturePeers(2)
  ]
  expect(otherSubnets(peers)).toEqual([
    { subnet: '10.1.3.0/24', names: [b!.name, c!.name].toSorted() },
    { subnet: '10.1.10.0/24', names: [a!.name] }
  ])
})

test('a relay names who downloads it', () => {
  const from = { name: 'pc-7', subnet: '10.1.3.0/24', had: false }
  expect(shareSentence({ phase: 'relaying', from })).toBe(
    'pc-7 in 10.1.3.0/24 downloads it for the site; this PC passes it on'
  )
  expect(shareSentence({ phase: 'leased', from: null })).toBe('This PC downloads it for the site')
})
