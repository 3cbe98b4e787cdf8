import { afterAll, expect, test } from 'vitest'
import { OriginScripts } from './origin-script.ts'

const scripts = new OriginScripts()
afterAll(() => scripts.close())

test('downloads from servers of a random sort end within their limits, rightly, for at most twice the content', async () => {
  const wrong: string[] = []
  const ends = new Set<string>()
  for (let seed = 1; seed <= 400; seed++) {
    const { ended, problem } = await scripts.play(seed)
    ends.add(ended)
    if (problem !== null) wrong.push(`${seed}: ${problem}`)
  }
  expect(wrong).toEqual([])
  // The servers are odd enough for most of what can go wrong, and not too odd for a download.
  for (const end of [
    'delivered',
    'ORIGIN_BREAKS_OFF',
    'ORIGIN_CHANGED',
    'ORIGIN_REDIRECTS',
    'ORIGIN_PROTOCOL',
    'ORIGIN_STALLED'
  ])
    expect(ends).toContain(end)
})
