import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LarderError } from '../lib/errors.ts'
import { assertWhoseSettings } from './whose-settings.ts'

const dataIn = process.platform === 'darwin' ? 'Library/Application Support/larder' : '.local/share/larder'
let homes: string[]
let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'larder-homes-'))
  homes = ['anna', 'ben', 'carl'].map((name) => join(dir, name))
  for (const home of homes.slice(0, 2)) mkdirSync(join(home, dataIn), { recursive: true })
})
afterAll(() => rmSync(dir, { recursive: true }))

const asked = (env: NodeJS.ProcessEnv, root: boolean, some = homes): LarderError | null => {
  try {
    assertWhoseSettings({ policyFile: undefined, homes: some }, env, root)
    return null
  } catch (error) {
    return LarderError.from(error)
  }
}

test('root is asked whose settings are meant, and told which there are', () => {
  const error = asked({}, true)
  expect(error?.code).toBe('USER_UNCLEAR')
  expect(error?.message).toContain(`--data-dir ${join(homes[0]!, dataIn)}, or --data-dir ${join(homes[1]!, dataIn)}`)
  expect(error?.message).not.toContain('carl')
})

test('who is no root, has named a folder, or is alone on the PC means their own', () => {
  expect([asked({}, false), asked({ LARDER_DATA_DIR: '/x' }, true), asked({}, true, [homes[2]!])]).toEqual([
    null,
    null,
    null
  ])
})
