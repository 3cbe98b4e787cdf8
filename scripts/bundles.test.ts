import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { inputsOf } from './bundles.ts'
import { root } from './steps.ts'

test.each([
  ['cli', 'vite.cli.config.ts'],
  ['renderer', 'vite.renderer.config.ts'],
  ['app', 'electron.vite.config.ts']
] as const)('the bundle %s is made again when its configuration changes, or what that is made with', (name, config) => {
  const inputs = inputsOf(name)
  const imports = [...readFileSync(path.join(root, config), 'utf8').matchAll(/from '(\.\/[^']+)'/g)]
  for (const file of [config, ...imports.map((found) => path.normalize(found[1]!))]) expect(inputs).toContain(file)
  for (const file of inputs) expect([file, existsSync(path.join(root, file))]).toEqual([file, true])
})

test('a bundle is made again when it is to pin other release keys, and not for a test', () => {
  expect(inputsOf('cli')).toContain(path.join('packaging', 'release-keys.txt'))
  expect(inputsOf('app').filter((file) => /\.test\.|[\\/]testing[\\/]/.test(file))).toEqual([])
})
