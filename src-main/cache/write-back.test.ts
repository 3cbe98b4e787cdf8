import { describe, expect, it } from 'vitest'
import type { FileHandle } from 'node:fs/promises'
import type { OpenFiles } from './open-files.ts'
import { WriteBack } from './write-back.ts'

const MIB = 1024 * 1024

/** A file whose synchronisations are counted and end when told. */
function watched(fail?: Error) {
  const calls: string[] = []
  const gates: (() => void)[] = []
  const handle = {
    datasync: () => (
      calls.push('datasync'),
      new Promise<void>((resolve, reject) => gates.push(() => (fail ? reject(fail) : resolve())))
    ),
    sync: async () => void calls.push('sync')
  } as unknown as FileHandle
  const files = {
    use: (_: string, __: string, work: (handle: FileHandle) => Promise<unknown>) => work(handle)
  } as unknown as OpenFiles
  return { calls, release: () => gates.shift()?.(), writeBack: new WriteBack(files, 'x') }
}

describe('bytes on their way to the disk', () => {
  it('are sent in large steps, one step at a time', async () => {
    const { calls, release, writeBack } = watched()
    for (let i = 0; i < 63; i++) writeBack.written(MIB)
    expect(calls).toEqual([])
    for (let i = 0; i < 200; i++) writeBack.written(MIB)
    expect(calls).toEqual(['datasync'])
    release()
    await writeBack.finish()
    expect(calls).toEqual(['datasync', 'sync'])
  })

  it('are not called safe when a step failed, though the system says so only once', async () => {
    const { calls, release, writeBack } = watched(new Error('EIO'))
    writeBack.written(64 * MIB)
    release()
    await expect(writeBack.finish()).rejects.toThrow('EIO')
    await writeBack.finish()
    expect(calls).toEqual(['datasync', 'sync'])
  })
})
