import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../steps.ts'
import { shippedPackages, textOf, thirdPartyLicenses } from './shipped-packages.ts'

const shipped = shippedPackages()

test('all that is bundled is known: what the agent needs, what the window is built of, and what those need', () => {
  const names = shipped.map(({ name }) => name)
  for (const name of ['fastify', 'zod', 'electron-updater', 'js-yaml', 'react', 'scheduler', '@fluentui/react-button'])
    expect(names).toContain(name)
  for (const name of ['vitest', 'typescript', 'vite', 'electron', 'electron-builder']) expect(names).not.toContain(name)
})

test('nothing is shipped under a licence that asks for more than to be named', () => {
  const free =
    /^\(?(MIT|ISC|BSD-[23]-Clause|0BSD|Apache-2\.0|CC0-1\.0|Python-2\.0|Unlicense|BlueOak-1\.0\.0)( OR [\w.-]+)?\)?$/
  expect(shipped.filter(({ license }) => !free.test(license))).toEqual([])
})

test('the licence of the pinned Node is there, and nearly every package has brought its own', () => {
  const { version } = JSON.parse(readFileSync(path.join(root, 'node_modules/node/package.json'), 'utf8')) as {
    version: string
  }
  expect(existsSync(path.join(root, 'packaging', 'licenses', `node-${version}.txt`))).toBe(true)
  const without = shipped.filter(({ folder }) => textOf(folder) === null)
  expect(without.length).toBeLessThan(shipped.length / 10)
  const text = thirdPartyLicenses()
  for (const { name, version: of } of shipped) expect(text).toContain(`\n${name} ${of} (`)
})
