import { expect, test } from 'vitest'
import { UiSecret } from '../contract/ui.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { LINK_VALID_MS, SESSION_IDLE_MS, UiSessions } from './ui-sessions.ts'

const setUp = () => {
  const clock = fakeClock()
  return { clock, sessions: new UiSessions(clock) }
}

test('a link opens one session, once', () => {
  const { sessions } = setUp()
  const code = sessions.issueLink()
  const token = sessions.redeem(code)!
  expect(UiSecret.safeParse(code).success && UiSecret.safeParse(token).success).toBe(true)
  expect(token).not.toBe(code)
  expect(sessions.admits(token)).toBe(true)
  expect(sessions.redeem(code)).toBeNull()
  expect(sessions.admits(token)).toBe(true)
})

test('a link is no token, and a token no link', () => {
  const { sessions } = setUp()
  const code = sessions.issueLink()
  expect(sessions.admits(code)).toBe(false)
  const token = sessions.redeem(code)!
  expect(sessions.redeem(token)).toBeNull()
  expect(sessions.admits('')).toBe(false)
})

test('a link that nobody used ends, however the wall clock jumps', async () => {
  const { clock, sessions } = setUp()
  const [early, late] = [sessions.issueLink(), sessions.issueLink()]
  await clock.pass(LINK_VALID_MS - 1)
  expect(sessions.redeem(early)).not.toBeNull()
  clock.jumpWall(-LINK_VALID_MS)
  await clock.pass(1)
  expect(sessions.redeem(late)).toBeNull()
})

test('a session ends when nobody uses it, and not while somebody does', async () => {
  const { clock, sessions } = setUp()
  const [used, idle] = [sessions.redeem(sessions.issueLink())!, sessions.redeem(sessions.issueLink())!]
  await clock.pass(SESSION_IDLE_MS - 1)
  expect(sessions.admits(used)).toBe(true)
  await clock.pass(1)
  expect(sessions.admits(used)).toBe(true)
  expect(sessions.admits(idle)).toBe(false)
})

test('there are never more than so many; the ones unused for longest give way', () => {
  const { sessions } = setUp()
  const links = Array.from({ length: 40 }, () => sessions.issueLink())
  expect(links.filter((code) => sessions.redeem(code) !== null)).toEqual(links.slice(-16))
  const tokens = Array.from({ length: 64 }, () => sessions.redeem(sessions.issueLink())!)
  expect(sessions.admits(tokens[0]!)).toBe(true)
  sessions.redeem(sessions.issueLink())
  expect(tokens.map((token) => sessions.admits(token)).indexOf(false)).toBe(1)
  expect(sessions.admits(tokens[0]!)).toBe(true)
})
