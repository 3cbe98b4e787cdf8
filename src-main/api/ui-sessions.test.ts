import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { UiSecret } from '../contract/ui.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { LINK_VALID_MS, SESSION_IDLE_MS, SESSION_LIFE_MS, UiSessions } from './ui-sessions.ts'

const setUp = async () => {
  const clock = fakeClock()
  return { clock, sessions: await UiSessions.open(clock, null) }
}

test('a link opens one session, once', async () => {
  const { sessions } = await setUp()
  const code = sessions.issueLink()
  const token = sessions.redeem(code)!
  expect(UiSecret.safeParse(code).success && UiSecret.safeParse(token).success).toBe(true)
  expect(token).not.toBe(code)
  expect(sessions.admits(token)).toBe(true)
  expect(sessions.redeem(code)).toBeNull()
  expect(sessions.admits(token)).toBe(true)
})

test('a link is no token, and a token no link', async () => {
  const { sessions } = await setUp()
  const code = sessions.issueLink()
  expect(sessions.admits(code)).toBe(false)
  const token = sessions.redeem(code)!
  expect(sessions.redeem(token)).toBeNull()
  expect(sessions.admits('')).toBe(false)
})

test('a link that nobody used ends, however the wall clock jumps', async () => {
  const { clock, sessions } = await setUp()
  const [early, late] = [sessions.issueLink(), sessions.issueLink()]
  await clock.pass(LINK_VALID_MS - 1)
  expect(sessions.redeem(early)).not.toBeNull()
  clock.jumpWall(-LINK_VALID_MS)
  await clock.pass(1)
  expect(sessions.redeem(late)).toBeNull()
})

test('a session ends when nobody uses it, and not while somebody does', async () => {
  const { clock, sessions } = await setUp()
  const [used, idle] = [sessions.redeem(sessions.issueLink())!, sessions.redeem(sessions.issueLink())!]
  await clock.pass(SESSION_IDLE_MS - 1)
  expect(sessions.admits(used)).toBe(true)
  await clock.pass(1)
  expect(sessions.admits(used)).toBe(true)
  expect(sessions.admits(idle)).toBe(false)
})

test('there are never more than so many; the ones unused for longest give way', async () => {
  const { sessions } = await setUp()
  const links = Array.from({ length: 40 }, () => sessions.issueLink())
  expect(links.filter((code) => sessions.redeem(code) !== null)).toEqual(links.slice(-16))
  const tokens = Array.from({ length: 64 }, () => sessions.redeem(sessions.issueLink())!)
  expect(sessions.admits(tokens[0]!)).toBe(true)
  sessions.redeem(sessions.issueLink())
  expect(tokens.map((token) => sessions.admits(token)).indexOf(false)).toBe(1)
  expect(sessions.admits(tokens[0]!)).toBe(true)
})

describe('a session, when the agent is started again,', () => {
  let dir: string
  beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), 'larder-sessions-'))))
  afterAll(() => rm(dir, { recursive: true, force: true }))
  let n = 0
  const begin = async () => {
    const path = join(dir, `${++n}.json`)
    const clock = fakeClock()
    const sessions = await UiSessions.open(clock, path)
    const token = sessions.redeem(sessions.issueLink())!
    await sessions.settled()
    return { path, clock, sessions, token, again: () => UiSessions.open(clock, path) }
  }

  test('goes on, and its file is for this user alone and tells no token', async () => {
    const { path, token, again } = await begin()
    expect((await again()).admits(token)).toBe(true)
    expect(await readFile(path, 'utf8')).not.toContain(token)
    if (process.platform !== 'win32') expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  test('has no more time than it had: idle, in all, or by a clock that was set back', async () => {
    const { clock, token, again } = await begin()
    await clock.pass(SESSION_IDLE_MS - 1000)
    const after = await again()
    clock.jumpWall(-SESSION_IDLE_MS)
    await clock.pass(1000)
    expect(after.admits(token)).toBe(false)
    const used = await begin()
    for (let ms = 0; ms < SESSION_LIFE_MS; ms += SESSION_IDLE_MS / 2) {
      expect(used.sessions.admits(used.token)).toBe(true)
      await used.clock.pass(SESSION_IDLE_MS / 2)
    }
    await used.sessions.settled()
    expect((await used.again()).admits(used.token)).toBe(false)
    expect(used.sessions.admits(used.token)).toBe(false)
  })

  test('is over when it was ended, or when its file is damaged', async () => {
    const { path, sessions, token, again } = await begin()
    const other = sessions.redeem(sessions.issueLink())!
    sessions.revoke(token)
    await sessions.settled()
    const after = await again()
    expect([token, other].map((t) => after.admits(t))).toEqual([false, true])
    await after.settled()
    await writeFile(path, '[{"digest":"x"}]')
    expect((await again()).admits(other)).toBe(false)
    await writeFile(path, 'x'.repeat(70_000))
    expect((await again()).admits(other)).toBe(false)
  })
})
