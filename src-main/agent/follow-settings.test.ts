import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../lib/clock.ts'
import { LiveSettings } from '../settings/live-settings.ts'
import { memoryFiles } from '../settings/settings-files.ts'
import { keptLog } from '../testing/kept-log.ts'
import type { Agent } from './agent.ts'
import { createAgent } from './create-agent.ts'

let dataDir: string
let user: string
let policy: string | undefined
let settings: LiveSettings
let agent: Agent
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'larder-follow-'))
  user = JSON.stringify({ ports: { api: 0, peer: 0 }, discovery: { beacon: false } })
  policy = undefined
  const texts = { user: () => user, policy: () => policy }
  const files = {
    ...memoryFiles(''),
    read: (file: 'user' | 'policy') =>
      texts[file]() === undefined ? undefined : { text: texts[file]()!, modifiedMs: 0 },
    writeUser: async (text: string) => void (user = text)
  }
  settings = new LiveSettings({ files, clock: systemClock })
  agent = createAgent({ dataDir, settings, name: 'pc' }, { clock: systemClock, log: keptLog(), env: {} })
  await agent.start()
})
afterEach(async () => {
  await agent.stop()
  await rm(dataDir, { recursive: true })
})

const told = () =>
  agent
    .events()
    .filter(({ type }) => /^(settings|integration)/.test(type))
    .map(({ type, text }) => [type, text])

test('the switch is a setting: the agent shows who turned it, when and why, and tells it', async () => {
  expect(await agent.setIntegration(false, { by: 'ann', reason: 'a try' })).toMatchObject({
    enabled: false,
    by: 'ann',
    reason: 'a try',
    managedBy: null
  })
  expect(agent.snapshot().integration).toMatchObject({ enabled: false, by: 'ann' })
  expect(JSON.parse(user)).toMatchObject({ integration: { enabled: false } })
  await agent.setIntegration(false, { by: 'bob' })
  expect(agent.snapshot().integration.by).toBe('ann')
  expect(told()).toEqual([['integrationChanged', 'ann turned the integration off: a try']])
})

test('what the policy has decided cannot be switched, not even to what it is', async () => {
  policy = JSON.stringify({ by: 'IT desk', settings: { integration: { enabled: false } } })
  settings.reload()
  expect(agent.snapshot().integration).toMatchObject({ enabled: false, by: 'IT desk', managedBy: 'IT desk' })
  for (const enabled of [true, false])
    await expect(agent.setIntegration(enabled, { by: 'ann' })).rejects.toMatchObject({ code: 'SETTING_MANAGED' })
})

test('settings that count at once do: weight, downloads at the same time, background channel', async () => {
  await settings.set('election.weight', 7, { by: 'ann' })
  await expect.poll(() => agent.snapshot().weight.value).toBe(7)
  expect(() =>
    agent.request({ url: 'a', kind: 'resource', priority: 'foreground', overwrite: true, allowStale: false })
  ).toThrow(expect.objectContaining({ code: 'BACKGROUND_CHANNEL_UNSET' }))
  await settings.set('backgroundChannel.url', '127.0.0.1:9/x', { by: 'ann' })
  expect(
    agent.request({ url: 'a', kind: 'resource', priority: 'foreground', overwrite: true, allowStale: false }).url
  ).toBe('https://127.0.0.1:9/x/a')
})

test('a broken file is told once, with its place, and when it is right again things go on', () => {
  user = '{"election": {"weight": 101}}'
  settings.reload()
  settings.reload()
  expect(told()).toEqual([
    [
      'settingsRefused',
      expect.stringMatching(/^memory, line 1, column 25: election\.weight: .* What was in force before stays so\.$/)
    ]
  ])
  user = '{"election": {"windowMs": 100}}'
  settings.reload()
  expect(told().slice(1)).toContainEqual([
    'settingsChanged',
    'election.windowMs is now 100, by settings file memory; it counts from the next start on.'
  ])
})

describe('what was set until restart', () => {
  const KIB = 64 * 1024
  const others = async () => {
    await agent.setIntegration(false, { by: 'ann' })
    await settings.set('election.weight', 7, { by: 'ann' })
    await settings.set('rates.wanForeground', 9 * KIB, { by: 'ann' })
    await settings.set('cache.maxAgeDays', 3, { by: 'ann' })
    settings.reload()
  }

  test('rates and cache limits stay, whatever else is changed', async () => {
    agent.setRates({ upload: 5 * KIB, wanBackground: 6 * KIB })
    await agent.setCacheLimits({ maxBytes: 1230 * KIB })
    await others()
    expect(agent.rates().caps).toMatchObject({ upload: 5 * KIB, wanBackground: 6 * KIB, wanForeground: 9 * KIB })
    expect(agent.cache.stats().maxBytes).toBe(1230 * KIB)
  })

  test('the newest word about a field counts, for that field alone', async () => {
    agent.setRates({ upload: 5 * KIB, wanBackground: 6 * KIB })
    await settings.set('rates.upload', 7 * KIB, { by: 'ann' })
    expect(agent.rates().caps).toMatchObject({ upload: 7 * KIB, wanBackground: 6 * KIB })
    agent.setRates({ upload: 8 * KIB })
    await settings.set('rates.upload', 7 * KIB, { by: 'ann' })
    expect(agent.rates().caps).toMatchObject({ upload: 7 * KIB, wanBackground: 6 * KIB })
  })

  test('a policy takes over what it rules', () => {
    agent.setRates({ upload: 5 * KIB, wanBackground: 6 * KIB })
    policy = JSON.stringify({ settings: { rates: { upload: null } } })
    settings.reload()
    expect(agent.rates().caps).toMatchObject({ upload: null, wanBackground: 6 * KIB })
    expect(() => agent.setRates({ upload: 1 })).toThrow(expect.objectContaining({ code: 'SETTING_MANAGED' }))
  })

  test('is shown as such, told, and gone after a restart', async () => {
    agent.setRates({ upload: 5 * KIB })
    expect(settings.get('rates.upload')).toMatchObject({ value: 5 * KIB, source: 'this-run', place: 'until restart' })
    expect(told()).toEqual([['settingsChanged', 'rates.upload is now 327680, by local API, until restart.']])
    settings.begin()
    expect(settings.get('rates.upload')).toMatchObject({ value: null, source: 'default' })
    expect(user).not.toContain('upload')
  })

  test('a value that does not fit is refused, and nothing of the rest is taken', () => {
    expect(() => agent.setRates({ wanBackground: 6 * KIB, upload: -1 })).toThrow(
      expect.objectContaining({ code: 'SETTINGS_INVALID' })
    )
    expect(agent.rates().caps.wanBackground).toBeNull()
  })

  test('followers of other settings hear nothing', async () => {
    const heard: number[] = []
    const end = settings.follow(
      (s) => s.precache,
      ({ jitterMinutes }) => heard.push(jitterMinutes)
    )
    await others()
    agent.setRates({ upload: 5 * KIB })
    expect(heard).toEqual([])
    await settings.set('precache.jitterMinutes', 5, { by: 'ann' })
    expect(heard).toEqual([5])
    end()
    await settings.set('precache.jitterMinutes', 6, { by: 'ann' })
    expect(heard).toEqual([5])
  })
})
