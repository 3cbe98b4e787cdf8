import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock } from '../lib/clock.ts'
import { dataPaths } from '../lib/data-paths.ts'
import { loadSettings, requireUsable } from './load-settings.ts'
import { LiveSettings } from './live-settings.ts'
import { diskFiles } from './settings-files.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'larder-policy-'))
  mkdirSync(join(dir, 'etc', 'policy.d'), { recursive: true })
})
afterEach(() => rmSync(dir, { recursive: true }))

const policy = (name: string, value: unknown) =>
  writeFileSync(join(dir, 'etc', name), typeof value === 'string' ? value : JSON.stringify(value))
const files = () => diskFiles(dataPaths(join(dir, 'data')), join(dir, 'etc', 'policy.json'))
const load = () => loadSettings(files())
const said = (name: Parameters<ReturnType<typeof load>['of']['get']>[0]) => {
  const { value, strength, place, author } = load().of.get(name)!
  return [value, strength, place.slice(place.lastIndexOf('/') + 1), author?.by]
}

test('drop-ins follow the policy file in the order of their names, and each value says which file it is from', () => {
  policy('policy.json', { by: 'IT', settings: { election: { weight: 1 }, cache: { maxAgeDays: 10 } } })
  policy('policy.d/20-site.json', { by: 'site', settings: { election: { weight: 3 } }, locked: ['election.weight'] })
  policy('policy.d/10-region.json', {
    by: 'region',
    settings: { election: { weight: 2 } },
    recommended: { log: { level: 'debug' } }
  })
  policy('policy.d/notes.txt', 'not a policy')
  expect(said('election.weight')).toEqual([3, 'locked', '20-site.json', 'site'])
  expect(said('cache.maxAgeDays')).toEqual([10, 'policy', 'policy.json', 'IT'])
  expect(said('log.level')).toEqual(['debug', 'recommended', '10-region.json', 'region'])
  expect(load().problems).toEqual([])
})

test('a drop-in alone is a policy', () => {
  policy('policy.d/a.json', { settings: { election: { weight: 7 } } })
  expect(said('election.weight')).toEqual([7, 'policy', 'a.json', `policy file ${join(dir, 'etc/policy.d/a.json')}`])
})

test('one broken drop-in breaks the policy, by its name and line, so that no half of it is in force', () => {
  policy('policy.json', { settings: { election: { weight: 1 } } })
  policy('policy.d/a.json', '{\n"settings": {]')
  const loaded = load()
  expect(loaded.problems).toMatchObject([
    { inForce: 'nothing', reason: expect.stringContaining('a.json, line 2') as string }
  ])
  expect(() => requireUsable(loaded)).toThrow(/a\.json/)
})

test('a policy that others can write, or that is in a folder where they can, is not taken, and that is said', ({
  skip
}) => {
  skip(process.platform === 'win32', 'Windows has no file modes')
  policy('policy.d/a.json', { settings: { origin: { proxy: 'http://evil.test' } } })
  for (const open of ['etc/policy.d/a.json', 'etc/policy.d', 'etc']) {
    chmodSync(join(dir, open), 0o777)
    const { problems, settings } = load()
    expect(settings.origin.proxy, open).toBeNull()
    expect(problems[0]?.reason, open).toContain('somebody else may have written it')
    chmodSync(join(dir, open), 0o755)
  }
  expect(load().settings.origin.proxy).toBe('http://evil.test')
})

test('a policy that belongs to another user is not taken', ({ skip }) => {
  skip(process.getuid?.() !== 0, 'only root can give a file to another user')
  policy('policy.json', { settings: { election: { weight: 9 } } })
  chownSync(join(dir, 'etc', 'policy.json'), 65_501, 65_501)
  expect(load().problems[0]?.reason).toContain('belongs to another user')
})

test('a drop-in that comes while the agent runs counts without a restart', async () => {
  const live = new LiveSettings({ files: files(), clock: systemClock })
  const end = live.watch()
  try {
    // The folder may not have been looked at before the first of them is there.
    let n = 0
    const settled = () => {
      policy(`policy.d/z${n++}.json`, { settings: { integration: { enabled: false } } })
      expect(live.current.integration.enabled).toBe(false)
    }
    await vi.waitFor(settled, { timeout: 15_000, interval: 500 })
  } finally {
    end()
  }
})
