import { sleep, type Clock } from '../lib/clock.ts'
import { systemCode } from '../lib/errors.ts'
import { systemDisk, type Disk } from './disk.ts'

const PAUSES_MS = [10, 50, 200, 500, 1000]
const HELD = ['EPERM', 'EBUSY', 'EACCES']

/**
 * Renames; on Windows again a few times while a virus scanner holds the file (EPERM, EBUSY, EACCES). Elsewhere these
 * codes mean what they say.
 */
export async function renamePatiently(
  from: string,
  to: string,
  clock: Clock,
  port: Pick<Disk, 'rename'> & { readonly platform?: string } = systemDisk
): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await port.rename(from, to)
    } catch (error) {
      const pause = PAUSES_MS[attempt]
      const windows = (port.platform ?? process.platform) === 'win32'
      if (!windows || !HELD.includes(systemCode(error) ?? '') || pause === undefined) throw error
      await sleep(clock, pause)
    }
  }
}

/** Flushes a folder's entries, where the system can open folders (not on Windows). */
export async function syncFolder(folder: string, disk: Pick<Disk, 'open'> = systemDisk): Promise<void> {
  const handle = await disk.open(folder, 'r').catch(() => undefined)
  await handle?.sync().catch(() => {})
  await handle?.close()
}
