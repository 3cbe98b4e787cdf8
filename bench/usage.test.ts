import { expect, test } from 'vitest'
import { parseProc, parseWakeups, usageOf, wakeupsOf } from './usage.ts'

const status = 'Name:\tnode\nVmHWM:\t  204800 kB\nVmRSS:\t  102400 kB\n'

test('reads peak memory and CPU time of a process, whatever its name', () => {
  expect(parseProc(status, '42 (a b) c) S 1 1 1 0 -1 4194304 100 0 0 0 150 50 0 0 20 0 11 0 100 0 0')).toEqual({
    peakRssBytes: 204_800 * 1024,
    rssBytes: 102_400 * 1024,
    cpuSeconds: 2
  })
})

test('does not take a process without memory for one that uses none', () => {
  expect(() => parseProc('Name:\tnode\nState:\tZ (zombie)\n', '42 (x) Z 1 1 1 0 -1 0 0 0 0 0 1 1 0')).toThrow(
    'not the status'
  )
})

test('tells the usage of a real process', ({ skip }) => {
  skip(process.platform !== 'linux', 'only Linux tells it in /proc')
  const usage = usageOf(process.pid, null)
  expect(usage!.peakRssBytes).toBeGreaterThanOrEqual(usage!.rssBytes)
  expect(usage!.rssBytes / process.memoryUsage.rss()).toBeGreaterThan(0.5)
  expect(usage!.cpuSeconds).toBeGreaterThan(0)
})

test('knows nothing of a process that is not there', () => {
  expect(usageOf(2 ** 30, null)).toBeNull()
})

test('counts how often a thread went to sleep, and not how often others pushed it aside', () => {
  expect(parseWakeups('Name:\tnode\nvoluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t7\n')).toBe(150)
  expect(() => parseWakeups('Name:\tnode\n')).toThrow('not the status')
})

test('counts the wakeups of all threads of a real process', ({ skip }) => {
  skip(process.platform !== 'linux', 'only Linux tells it in /proc')
  expect(wakeupsOf(process.pid)).toBeGreaterThan(0)
  expect(wakeupsOf(2 ** 30)).toBeNull()
})
