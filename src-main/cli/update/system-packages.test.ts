import { expect, test } from 'vitest'
import { systemPackages } from './system-packages.ts'

const { deb, rpm } = systemPackages

test.each([
  ['a deb that is installed', deb, 0, 'installed 1.2.0', { version: '1.2.0', whole: true }],
  ['a deb whose scripts have failed', deb, 0, 'half-configured 1.2.0', { version: '1.2.0', whole: false }],
  ['a deb that is unpacked', deb, 0, 'unpacked 1.2.0', { version: '1.2.0', whole: false }],
  ['a deb that was removed', deb, 0, 'config-files 1.2.0', null],
  ['a deb that was purged', deb, 1, '', null],
  ['a database of dpkg that cannot be read', deb, 2, '', { version: null, whole: false }],
  ['an rpm that is installed', rpm, 0, '1.2.0\n', { version: '1.2.0', whole: true }],
  ['two rpms at once', rpm, 0, '1.1.0\n1.2.0\n', { version: '1.2.0', whole: false }],
  ['an rpm that was erased', rpm, 1, 'package larder is not installed\n', null],
  ['a program that cannot be run', rpm, 127, '', { version: null, whole: false }]
])('%s', (_what, manager, code, stdout, seen) => {
  expect(manager.read({ code, stdout })).toEqual(seen)
})
