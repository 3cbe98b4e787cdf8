import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SettingView } from '../contract/commands.ts'
import { dataPaths } from '../lib/data-paths.ts'
import { LiveSettings } from '../settings/live-settings.ts'
import { diskFiles } from '../settings/settings-files.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import Conf from 'conf'
import { AppSettingsFile, appStoreOptions } from '../shell/app-settings-file.ts'
import { SettingsBook } from './setting-views.ts'

const siteKey = `larder-site-${'A'.repeat(43)}`
let dir: string
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'larder-settings-'))))
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const agentSettings = () =>
  new LiveSettings({ files: diskFiles(dataPaths(dir), join(dir, 'no-policy')), clock: fakeClock() })
const appSettings = () => new AppSettingsFile(new Conf({ ...appStoreOptions, cwd: dir, configName: 'app' }))
const open = (live = agentSettings()) => new SettingsBook(() => live, appSettings())
const view = (book: SettingsBook, name: string) => book.list().find((setting) => setting.name === name)
const settingsFile = () => JSON.parse(readFileSync(join(dir, 'settings.json'), 'utf8')) as object

describe('the list of settings', () => {
  test('has every setting with a description, and keeps to the contract', () => {
    const list = open().list()
    expect(list.length).toBeGreaterThan(20)
    for (const setting of list) {
      expect(SettingView.safeParse(setting).success, setting.name).toBe(true)
      expect(setting.description, setting.name).not.toBe('')
    }
  })

  test('says where a value came from', () => {
    writeFileSync(join(dir, 'settings.json'), JSON.stringify({ election: { weight: 5 } }))
    const book = open()
    expect(view(book, 'election.weight')).toMatchObject({ value: 5, source: 'file', managed: false })
    expect(view(book, 'election.leaseMs')).toMatchObject({ source: 'default' })
  })

  test('never has the site key, only whether there is one', async () => {
    expect(view(open(), 'fleet.siteKey')).toMatchObject({ value: null, secret: true, isSet: false })
    const book = open()
    expect(await book.set('fleet.siteKey', siteKey, { by: 'me' })).toMatchObject({
      value: null,
      isSet: true,
      source: 'file'
    })
    expect(JSON.stringify(book.list())).not.toContain(siteKey)
    expect(settingsFile()).toEqual({ fleet: { siteKey } })
  })

  test('marks what counts only after a restart of the agent', async () => {
    const live = agentSettings()
    const book = open(live)
    expect(await book.set('election.windowMs', 900, { by: 'me' })).toMatchObject({ pending: true })
    expect(await book.set('election.weight', 9, { by: 'me' })).toMatchObject({ pending: false })
    expect([live.current.election.windowMs, live.current.election.weight]).toEqual([200, 9])
    live.begin()
    expect(live.current.election.windowMs).toBe(900)
    expect(view(book, 'election.windowMs')).toMatchObject({ pending: false })
  })
})

describe('a setting', () => {
  test('that does not exist, or a value that does not fit, changes nothing', async () => {
    const book = open()
    await expect(book.set('election.nothing', 1, { by: 'me' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(book.set('app.nothing', 1, { by: 'me' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(book.set('app.__proto__', 1, { by: 'me' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(book.set('election.weight', 'heavy', { by: 'me' })).rejects.toMatchObject({ code: 'SETTINGS_INVALID' })
    await expect(book.set('app.notifications', 'yes', { by: 'me' })).rejects.toMatchObject({ code: 'SETTINGS_INVALID' })
    expect(() => settingsFile()).toThrow(/ENOENT/)
    expect(view(book, 'app.notifications')).toMatchObject({ value: true, source: 'default' })
  })

  test('of the application is kept, and whoever listens is told', async () => {
    const file = appSettings()
    const heard: boolean[] = []
    file.on('changed', ({ notifications }) => heard.push(notifications))
    const live = agentSettings()
    const book = new SettingsBook(() => live, file)
    expect(await book.set('app.notifications', false, { by: 'me' })).toMatchObject({
      name: 'app.notifications',
      value: false,
      source: 'file'
    })
    expect(heard).toEqual([false])
    expect(view(open(), 'app.notifications')).toMatchObject({ value: false, source: 'file' })
  })

  test('of the application in a damaged file falls back to its default', () => {
    writeFileSync(join(dir, 'app.json'), '{"notifications": "perhaps", "openAtLogin": false}')
    expect(appSettings().values).toMatchObject({ notifications: true, openAtLogin: false })
    writeFileSync(join(dir, 'app.json'), 'not json {')
    expect(appSettings().values).toMatchObject({ notifications: true, openAtLogin: true })
  })
})
