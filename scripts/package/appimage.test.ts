import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { isPackage } from '../release/package-of-file.ts'
import { root } from '../steps.ts'
import { isRehearsalName } from './appimage.ts'

const config = readFileSync(path.join(root, 'electron-builder.yml'), 'utf8')

test('the old runtime, which needs libfuse2 and starts Chromium without its sandbox, is not the one', () => {
  expect(config).toMatch(/^toolsets:\n {2}appimage: 1\./m)
})

test('a release can be signed that has an AppImage of it, a rehearsal cannot', () => {
  expect(config).toMatch(/^appImage:\n {2}artifactName: Larder-\$\{version\}-\$\{arch\}\.\$\{ext\}/m)
  expect(isPackage('Larder-1.2.0-x86_64.AppImage')).toBe(true)
  expect(isRehearsalName('dist/rehearsal-Larder-1.2.0-x86_64.AppImage')).toBe(true)
  expect(isPackage('rehearsal-Larder-1.2.0-x86_64.AppImage')).toBe(false)
})
