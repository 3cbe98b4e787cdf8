import { describe, expect, it } from 'vitest'
import { LarderError } from '../lib/errors.ts'
import type { OriginClient, ProbeResult } from '../origin/origin.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { VersionCheck } from './version-check.ts'

const url = 'https://files.example/missing.msi'
const missing = () =>
  new LarderError('ORIGIN_NOT_FOUND', 'files.example says the file is not there (404).', { status: 404 })
const found: ProbeResult = { status: 'version', version: { url } as never }

/** An origin that answers each question with the next of these. */
function setUp(...answers: (LarderError | ProbeResult)[]) {
  const clock = fakeClock()
  const asked: string[] = []
  const origin = {
    probe: async (text: string) => {
      asked.push(text)
      const answer = answers.length > 1 ? answers.shift()! : answers[0]!
      if (answer instanceof LarderError) throw answer
      return answer
    }
  } as unknown as OriginClient
  const versions = new VersionCheck(origin, clock)
  const ask = (more: { headers?: Record<string, string>; private?: boolean; at?: string } = {}) =>
    versions.check(more.at ?? url, {
      stored: undefined,
      headers: more.headers,
      certificate: undefined,
      private: more.private ?? false,
      signal: new AbortController().signal
    })
  return { clock, asked, ask }
}

describe('a question for the version', () => {
  it('about a missing file reaches the origin once, however many requests ask it one after the other', async () => {
    const { asked, ask } = setUp(missing())
    for (let i = 0; i < 100; i++) await expect(ask()).rejects.toMatchObject({ code: 'ORIGIN_NOT_FOUND' })
    expect(asked).toHaveLength(1)
  })

  it('is asked again soon: a file that has just been published is found', async () => {
    const { clock, asked, ask } = setUp(missing(), found)
    await expect(ask()).rejects.toMatchObject({ code: 'ORIGIN_NOT_FOUND' })
    await clock.pass(3001)
    expect(await ask()).toBe(found)
    expect(await ask()).toBe(found)
    expect(asked).toHaveLength(3)
  })

  it('is not asked before the origin wants to hear it again, but for a minute at most', async () => {
    const later = (retryAfterMs: number) =>
      new LarderError('ORIGIN_STATUS', 'Too many requests', { status: 429, retryAfterMs })
    const polite = setUp(later(20_000), found)
    await expect(polite.ask()).rejects.toMatchObject({ code: 'ORIGIN_STATUS' })
    await polite.clock.pass(19_000)
    await expect(polite.ask()).rejects.toMatchObject({ code: 'ORIGIN_STATUS' })
    await polite.clock.pass(1001)
    expect(await polite.ask()).toBe(found)
    const endless = setUp(later(1e12), found)
    await expect(endless.ask()).rejects.toMatchObject({ code: 'ORIGIN_STATUS' })
    await endless.clock.pass(60_001)
    expect(await endless.ask()).toBe(found)
  })

  it('of who says who is asking is never answered for another, nor kept', async () => {
    const { asked, ask } = setUp(missing())
    for (let i = 0; i < 3; i++) {
      await expect(ask({ private: true })).rejects.toThrow()
      await expect(ask({ headers: { accept: 'text/plain' } })).rejects.toThrow()
    }
    expect(asked).toHaveLength(6)
  })

  it('that failed for another reason is asked again at once', async () => {
    const { asked, ask } = setUp(new LarderError('ORIGIN_UNREACHABLE', 'away'), found)
    await expect(ask()).rejects.toThrow()
    expect(await ask()).toBe(found)
    expect(asked).toHaveLength(2)
  })

  it('is remembered for a bounded number of files', async () => {
    const { asked, ask } = setUp(missing())
    for (let i = 0; i <= 1000; i++) await expect(ask({ at: `${url}?${i}` })).rejects.toThrow()
    await expect(ask({ at: `${url}?0` })).rejects.toThrow()
    expect(asked).toHaveLength(1002)
    await expect(ask({ at: `${url}?1000` })).rejects.toThrow()
    expect(asked).toHaveLength(1002)
  })
})
