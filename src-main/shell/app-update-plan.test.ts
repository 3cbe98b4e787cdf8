import fc from 'fast-check'
import { expect, test } from 'vitest'
import { aRelease } from '../testing/release-files.ts'
import { appForm, describePackage, mayRestart, outcomeOf } from './app-update-plan.ts'

test.each([
  ['an AppImage', 'linux', true, { APPIMAGE: '/home/anna/Larder.AppImage' }, 'appimage'],
  ['the deb of the application, which apt replaces', 'linux', true, {}, null],
  ['an AppImage by a path that depends on where somebody is', 'linux', true, { APPIMAGE: 'Larder.AppImage' }, null],
  ['the installer of Windows', 'win32', true, {}, 'nsis'],
  ['macOS, where nothing is made that could be tried', 'darwin', true, {}, null],
  ['what runs from the sources', 'linux', false, { APPIMAGE: '/home/anna/Larder.AppImage' }, null]
] as const)('%s', (_what, platform, isPackaged, env, form) => {
  expect(appForm(platform, isPackaged, env)).toBe(form)
})

const staged = { version: '1.1.0', from: '1.0.0', at: 5, begun: true }

test('the next start tells what became of a release', () => {
  expect(outcomeOf(staged, '1.1.0')).toMatchObject({ result: 'installed', version: '1.1.0', from: '1.0.0', at: 5 })
  // Not tried again: it would end the application again and again.
  expect(outcomeOf(staged, '1.0.0')).toMatchObject({ result: 'rolled-back', code: 'UPDATE_FAILED', version: '1.1.0' })
  expect(outcomeOf({ ...staged, begun: false }, '1.0.0')).toBeNull()
  expect(outcomeOf(staged, '1.2.0')).toBeNull()
})

test('nobody who looks at the window is interrupted, and a download holds a release up for six hours at most', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.nat({ max: 3 }), fc.nat(), (windowIsVisible, openDownloads, waitedMs) => {
      const may = mayRestart({ windowIsVisible, openDownloads, waitedMs })
      expect(may).toBe(!windowIsVisible && (openDownloads === 0 || waitedMs >= 6 * 3600_000))
    })
  )
})

test('electron-updater is told of no address', () => {
  const about = aRelease('1.1.0', { form: 'appimage', url: 'https://updates.example/Larder-1.1.0.AppImage' })
    .packages[0]!
  const text = JSON.stringify(describePackage('1.1.0', about, 'Larder.AppImage', '2026-06-01T00:00:00.000Z'))
  expect(text).not.toContain('updates.example')
  expect(text).toContain(about.sha256)
})
