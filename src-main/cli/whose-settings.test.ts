import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { defaultDataDir } from '../lib/data-paths.ts'
import { LarderError } from '../lib/errors.ts'
import { dataDirMeant } from './whose-settings.ts'

const dataIn = process.platform === 'darwin' ? 'Library/Application Support/larder' : '.local/share/larder'
let homes: string[]
let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'larder-homes-'))
  homes = ['anna', 'ben', 'carl'].map((name) => join(dir, name))
  for (const home of homes.slice(0, 2)) mkdirSync(join(home, dataIn), { recursive: true })
})
afterAll(() => rmSync(dir, { recursive: true }))

const machineDataDir = () => join(dir, 'var')

const meant = (env: NodeJS.ProcessEnv, root: boolean, some = homes, dataDir?: string): LarderError | string => {
  try {
    return dataDirMeant(
      { ...(dataDir !== undefined && { dataDir }) },
      { policyFile: undefined, homes: some, machineDataDir: machineDataDir() },
      env,
      root
    )
  } catch (error) {
    return LarderError.from(error)
  }
}
const mine = defaultDataDir({})

test('root is asked whose settings are meant, and told which there are', () => {
  const error = meant({}, true)
  expect(error).toMatchObject({ code: 'USER_UNCLEAR' })
  expect((error as LarderError).message).toContain(
    `--data-dir ${join(homes[0]!, dataIn)}, or --data-dir ${join(homes[1]!, dataIn)}`
  )
  expect((error as LarderError).message).not.toContain('carl')
})

test('who is no root, has named a folder, or is alone on the PC means their own', () => {
  expect([
    meant({}, false),
    meant({ LARDER_DATA_DIR: '/x' }, true),
    meant({}, true, [homes[2]!]),
    meant({}, true, homes, '/named')
  ]).toEqual([mine, '/x', mine, '/named'])
})

test('where the agent of all users has been, root means that one, unless users have folders of their own', () => {
  mkdirSync(machineDataDir())
  writeFileSync(join(machineDataDir(), 'layout.json'), '{"layout":1}')
  expect(meant({}, true, [homes[2]!])).toBe(machineDataDir())
  expect((meant({}, true) as LarderError).message).toContain(`--data-dir ${machineDataDir()}, or --data-dir`)
})
