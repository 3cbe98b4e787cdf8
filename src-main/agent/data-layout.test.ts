import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { dataPaths } from '../lib/data-paths.ts'
import { DATA_LAYOUT, ensureLayout } from './data-layout.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'larder-layout-'))
})
afterEach(() => rm(dir, { recursive: true }))
const mark = async () => JSON.parse(await readFile(join(dir, 'layout.json'), 'utf8')) as unknown

test('a folder without a mark, or with one that cannot be read, is marked and used', async () => {
  for (const damaged of [undefined, '', '{"layout":"x"}', '{"layout":-1}']) {
    if (damaged !== undefined) await writeFile(join(dir, 'layout.json'), damaged)
    await ensureLayout(dataPaths(dir))
    expect(await mark()).toEqual({ layout: DATA_LAYOUT })
  }
})

test('a folder of a newer Larder is refused and left as it is', async () => {
  const newer = `{"layout":${DATA_LAYOUT + 1},"and":"more"}`
  await writeFile(join(dir, 'layout.json'), newer)
  await expect(ensureLayout(dataPaths(dir))).rejects.toMatchObject({
    code: 'DATA_FOLDER_NEWER',
    details: { path: dir, layout: DATA_LAYOUT + 1, known: DATA_LAYOUT }
  })
  expect(await readFile(join(dir, 'layout.json'), 'utf8')).toBe(newer)
  expect(await readdir(dir)).toEqual(['layout.json'])
})
