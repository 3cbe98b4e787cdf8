import { describe, expect, it } from 'vitest'
import { Settings } from '../../contract/settings.ts'
import { hasCode } from '../../lib/errors.ts'
import type { OriginBody, OriginVersion } from '../../origin/origin.ts'
import { planPieces } from '../../pieces/plan.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { Sampler, type SamplerWorld } from './sampler.ts'

const LENGTH = 300 * 1024

/** A sampler whose origin gives, at each request, what `bytes` says. */
function samplerOf(
  bytes: (request: number) => Buffer,
  { suspicious = true, peers = [] as { id: string; place: string | null }[], random = 0.5 } = {}
): Sampler {
  let requests = 0
  const open = async (_version: OriginVersion, { start, end }: { start: number; end: number }) => {
    const part = bytes(requests++).subarray(start, end)
    return Object.assign([part], { start, destroy: () => {} }) as unknown as OriginBody
  }
  return new Sampler(
    {
      origin: { open, openSeveral: async () => null },
      network: {
        connected: () => peers,
        placeOf: (id: string) => peers.find((one) => one.id === id)?.place ?? null
      },
      settings: { sharing: Settings.parse({}).sharing },
      random: () => random,
      clock: fakeClock()
    } as unknown as SamplerWorld,
    {
      version: { ranges: true, lengthBytes: LENGTH } as OriginVersion,
      headers: undefined,
      plan: planPieces(LENGTH),
      kind: 'resource',
      signal: new AbortController().signal,
      suspicious: () => suspicious
    }
  )
}

describe('how closely a PC looks', () => {
  const is = async (peers: { id: string; place: string | null }[]) => {
    // It looks only where its part of the budget pays for a sample.
    const sampler = samplerOf(() => Buffer.alloc(LENGTH, 7), { suspicious: false, peers, random: 0.99 })
    return (await sampler.take([{ start: 0, end: LENGTH }])).is
  }
  const identities = (count: number, place: (n: number) => string | null) =>
    Array.from({ length: count }, (_, n) => ({ id: `${n}`, place: place(n) }))

  it('does not depend on how many identities there are at an address', async () => {
    expect(await is(identities(1, () => '10.0.0.66'))).toBe('spans')
    expect(await is(identities(200, () => '10.0.0.66'))).toBe('spans')
  })

  it('does on how many PCs may look as well', async () => {
    expect(await is(identities(200, (n) => `10.0.0.${n}`))).toBe('not-drawn')
    expect(await is(identities(200, () => null))).toBe('not-drawn')
  })
})

describe('a piece that differs', () => {
  it('speaks for itself where the origin says the same as before', async () => {
    const sampler = samplerOf(() => Buffer.alloc(LENGTH, 7))
    expect(await sampler.take([{ start: 0, end: LENGTH }])).toMatchObject({ is: 'spans' })
    expect(await sampler.digestAtOrigin(0)).toHaveLength(32)
  })

  it('speaks against nobody where the origin says something else at each request', async () => {
    const sampler = samplerOf((request) => Buffer.alloc(LENGTH, request))
    await sampler.take([{ start: 0, end: LENGTH }])
    const error = await sampler.digestAtOrigin(0).catch((thrown: unknown) => thrown)
    expect(hasCode(error, 'ORIGIN_CHANGED')).toBe(true)
  })
})
