import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { dataPaths, defaultDataDir } from '../lib/data-paths.ts'
import {
  ensureApiToken,
  lockDataDir,
  prepareDataDir,
  readAgentFile,
  removeAgentFile,
  writeAgentFile
} from './data-dir.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'larder-data-'))
})
afterEach(() => rm(dir, { recursive: true }))

const agentFile = {
  pid: process.pid,
  apiPort: 4725,
  version: '0.1.0',
  apiVersion: 1,
  bootId: '00112233aabbccdd',
  startedAt: 1
}

test('the data folder is the one of the environment before that of the user', () => {
  expect(defaultDataDir({ LARDER_DATA_DIR: '/srv/larder' })).toBe('/srv/larder')
  expect(defaultDataDir({})).toMatch(/larder/)
})

test('a new data folder is for its user alone', async () => {
  const paths = await prepareDataDir(join(dir, 'a', 'b'))
  expect((await stat(paths.root)).mode & 0o777).toBe(0o700)
})

test('a data folder that cannot be made is reported with its path', async () => {
  await writeFile(join(dir, 'file'), '')
  await expect(prepareDataDir(join(dir, 'file', 'data'))).rejects.toMatchObject({
    code: 'CACHE_UNUSABLE',
    details: { path: join(dir, 'file', 'data') }
  })
})

test('the token is made once, kept, and readable for its user alone', async () => {
  const paths = dataPaths(dir)
  const token = await ensureApiToken(paths)
  expect(token).toMatch(/^[0-9a-f]{64}$/)
  expect((await stat(paths.apiToken)).mode & 0o777).toBe(0o600)
  expect(await ensureApiToken(paths)).toBe(token)
  expect(await readFile(paths.apiToken, 'utf8')).toBe(token)
})

test.each(['', 'short', 'x'.repeat(10_000)])('a damaged token is replaced (%#)', async (damaged) => {
  const paths = dataPaths(dir)
  await writeFile(paths.apiToken, damaged)
  expect(await ensureApiToken(paths)).toMatch(/^[0-9a-f]{64}$/)
  expect(await readFile(paths.apiToken, 'utf8')).toMatch(/^[0-9a-f]{64}$/)
})

test('agent.json is read back, and is nothing when damaged', async () => {
  const paths = dataPaths(dir)
  expect(await readAgentFile(paths)).toBeUndefined()
  await writeAgentFile(paths, agentFile)
  expect(await readAgentFile(paths)).toEqual(agentFile)
  await writeFile(paths.agent, '{"pid":')
  expect(await readAgentFile(paths)).toBeUndefined()
  await writeFile(paths.agent, JSON.stringify({ ...agentFile, apiPort: 0 }))
  expect(await readAgentFile(paths)).toBeUndefined()
})

test('a stopping agent leaves the agent.json of a later run alone', async () => {
  const paths = dataPaths(dir)
  await writeAgentFile(paths, agentFile)
  await removeAgentFile(paths, 'another')
  expect(await readAgentFile(paths)).toEqual(agentFile)
  await removeAgentFile(paths, agentFile.bootId)
  expect(await readAgentFile(paths)).toBeUndefined()
})

test('a locked data folder names the process that holds it, until it is released', async () => {
  const paths = dataPaths(dir)
  const lock = await lockDataDir(paths)
  await expect(lockDataDir(paths)).rejects.toMatchObject({ code: 'AGENT_ALREADY_RUNNING', details: { pid: null } })
  await writeAgentFile(paths, agentFile)
  await expect(lockDataDir(paths)).rejects.toMatchObject({
    code: 'AGENT_ALREADY_RUNNING',
    details: { pid: process.pid, dataDir: dir }
  })
  lock.release()
  ;(await lockDataDir(paths)).release()
})

test('an agent.json left by a dead process is no lock, even when its process number lives again', async () => {
  const paths = dataPaths(dir)
  await writeAgentFile(paths, agentFile)
  ;(await lockDataDir(paths)).release()
})
