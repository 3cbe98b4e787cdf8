import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { build } from '../scripts/bundles.ts'
import { FaultSite } from './fault-site.ts'
import { RunScope } from './run-scope.ts'

/** Folders of such sites that are there now; others may be running beside this test. */
const foldersOf = (names: ReadonlySet<string>) => readdirSync(tmpdir()).filter((name) => names.has(name))

test('a site leaves no folder and no listener behind, also when one of its agents does not start', async () => {
  expect(await build('cli')).toBe(true)
  const scope = new RunScope()
  const made = new Set<string>()
  const folder = scope.folder.bind(scope)
  scope.folder = (name) => {
    const dir = folder(name)
    made.add(dir.slice(tmpdir().length + 1))
    return dir
  }
  try {
    const before = listeners()
    const options = { agents: 2, sizeBytes: 1024, rateBytesPerSecond: 1e6 }
    const site = await FaultSite.start(scope, options)
    expect(await site.finish(await site.begin(), { copies: 1 })).toEqual([])
    await site.close()
    await expect(
      FaultSite.start(scope, { ...options, dataDirOf: (index) => (index === 1 ? '/dev/null/nowhere' : undefined) })
    ).rejects.toThrow('did not start')
    expect(foldersOf(made)).toEqual([])
    await expect.poll(listeners).toBe(before)
  } finally {
    await scope.close()
  }
})

const listeners = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length
