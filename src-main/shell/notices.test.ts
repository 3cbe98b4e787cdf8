import { describe, expect, test } from 'vitest'
import type { AgentEvent } from '../contract/events.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { Notices, type Notice } from './notices.ts'

function setUp() {
  const clock = fakeClock()
  const shown: Notice[] = []
  const notices = new Notices(clock, (notice) => shown.push(notice))
  let seq = 0
  const happen = (type: AgentEvent['type'], text: string = type) => notices.add({ seq: ++seq, at: 0, type, text })
  return { clock, shown, notices, happen }
}

describe('notices', () => {
  test('tell one failure with its text', async () => {
    const { clock, shown, happen } = setUp()
    happen('requestFailed', 'setup.msi failed: the origin says it is not there.')
    expect(shown).toEqual([])
    await clock.pass(3000)
    expect(shown).toEqual([{ title: 'A download failed', body: 'setup.msi failed: the origin says it is not there.' }])
  })

  test('tell what happens together as one, failures first', async () => {
    const { clock, shown, happen } = setUp()
    happen('fallback', 'a falls back.')
    happen('requestFailed', 'b failed.')
    await clock.pass(2000)
    happen('requestFailed', 'c failed.')
    await clock.pass(1000)
    expect(shown).toEqual([{ title: '2 downloads failed', body: 'First: b failed. Another goes on without peers.' }])
  })

  test('tell a recalled file before everything else', async () => {
    const { clock, shown, happen } = setUp()
    happen('requestFailed', 'b failed.')
    happen('contentRecalled', 'tool.msi was recalled: do not use it.')
    await clock.pass(3000)
    expect(shown).toEqual([{ title: 'A file was recalled', body: 'tool.msi was recalled: do not use it.' }])
  })

  test('leave people in peace for a minute, and then tell the rest', async () => {
    const { clock, shown, happen } = setUp()
    happen('fallback', 'a.')
    await clock.pass(3000)
    happen('fallback', 'b.')
    happen('fallback', 'c.')
    await clock.pass(59_000)
    expect(shown).toHaveLength(1)
    await clock.pass(1000)
    expect(shown.map(({ title }) => title)).toEqual([
      'A download continues without peers',
      '2 downloads continue without peers'
    ])
  })

  test('say nothing of what went well', async () => {
    const { clock, shown, happen } = setUp()
    for (const type of ['requestDone', 'requestCancelled', 'peerLost', 'masterElected', 'warning'] as const)
      happen(type)
    await clock.pass(100_000)
    expect(shown).toEqual([])
  })

  test('forget what waits when they are turned off', async () => {
    const { clock, shown, notices, happen } = setUp()
    happen('requestFailed')
    notices.clear()
    await clock.pass(100_000)
    expect(shown).toEqual([])
  })
})
