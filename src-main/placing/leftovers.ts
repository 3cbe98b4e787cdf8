import { dirname, join } from 'node:path'
import { systemDisk, type Disk } from './disk.ts'
import { destinationId, parsePartName, type PartName } from './part-name.ts'
import { thisProcess, type ThisProcess } from './this-process.ts'

/** Nobody comes back for a part after this long. */
export const KEPT_MS = 7 * 24 * 3600_000

/** One part beside a destination, as found. */
export interface FoundPart {
  readonly name: PartName
  /** A file of this user that nobody else may open. */
  readonly own: boolean
  /** Wall clock of the last write, ms. */
  readonly writtenMs: number
}

/** What is to be done with a part that lies there: `busy` is being written. */
export type Fate = 'busy' | 'resume' | 'remove' | 'leave'

/**
 * Decides about a part when `destination` (its number) is asked for from `source`. What a process left that died is good as long as the
 * machine has not been restarted since: the bytes were not flushed, and a file may be as long as it should be and full of zeros.
 */
export function fateOf(
  part: FoundPart,
  wanted: { readonly destination: string; readonly source: string | null },
  now: ThisProcess & { readonly wallMs: number }
): Fate {
  const { name, writtenMs } = part
  const { writer } = name
  const old = now.wallMs - writtenMs > KEPT_MS
  const mine = name.destination === wanted.destination
  const local = writer?.place === now.place
  const restarted = writtenMs < now.bootedMs
  if (!part.own) return 'leave'
  if (writer && local && !restarted && now.isAlive(writer.pid)) return mine ? 'busy' : 'leave'
  // Of another boot, container or PC: whether it is being written cannot be known.
  if (writer && !local) return old ? 'remove' : 'leave'
  if (!mine) return old ? 'remove' : 'leave'
  if (name.source === null || name.source !== wanted.source) return 'remove'
  return writer && restarted ? 'remove' : 'resume'
}

interface Surroundings {
  readonly disk?: Disk
  readonly process?: ThisProcess
}

/** Other parts of the folder of `path`, each with its fate when it is asked for from `source`. Never throws. */
export async function partsBeside(
  path: string,
  source: string | null,
  { disk = systemDisk, process: self = thisProcess() }: Surroundings = {}
): Promise<{ readonly path: string; readonly fate: Fate }[]> {
  const wanted = { destination: destinationId(path), source }
  const now = { ...self, wallMs: Date.now() }
  return (await look(dirname(path), disk, ofOthers(self, wanted.destination))).map((part) => ({
    path: part.path,
    fate: fateOf(part, wanted, now)
  }))
}

/**
 * Removes what broken-off downloads left beside a destination and nobody can go on with, or has for long; with `all`, whatever is left of this
 * destination. Never what is being written, never another user's. Never throws.
 * @returns paths removed, and whether some part of this destination is still there
 */
export async function removeLeftovers(
  path: string,
  { all = false, disk = systemDisk, process: self = thisProcess() }: Surroundings & { readonly all?: boolean } = {}
): Promise<{ readonly removed: readonly string[]; readonly left: boolean }> {
  const destination = destinationId(path)
  const now = { ...self, wallMs: Date.now() }
  const removed: string[] = []
  let left = false
  for (const part of await look(dirname(path), disk, ofOthers(self, destination))) {
    const mine = part.name.destination === destination
    // What its own source could go on with has its time.
    const fate = fateOf(part, { destination, source: all ? null : part.name.source }, now)
    const old = now.wallMs - part.writtenMs > KEPT_MS
    const gone =
      (fate === 'remove' || (fate === 'resume' && old)) &&
      (await disk.unlink(part.path).then(
        () => true,
        () => false
      ))
    if (gone) removed.push(part.path)
    else if (mine && part.own) left = true
  }
  return { removed, left }
}

/** All but the parts that this process is writing for other destinations: they are left alone, whatever else is true of them. */
function ofOthers({ pid, place }: ThisProcess, destination: string): (name: PartName) => boolean {
  return (name) => name.destination === destination || name.writer?.pid !== pid || name.writer.place !== place
}

async function look(
  folder: string,
  disk: Disk,
  concerns: (name: PartName) => boolean
): Promise<(FoundPart & { readonly path: string })[]> {
  const found: (FoundPart & { path: string })[] = []
  for (const file of await disk.readdir(folder).catch(() => [])) {
    const name = parsePartName(file)
    const stats = name && concerns(name) && (await disk.lstat(join(folder, file)).catch(() => undefined))
    if (!name || !stats) continue
    const own = stats.isFile() && (process.platform === 'win32' || stats.uid === process.geteuid?.())
    found.push({ path: join(folder, file), name, own, writtenMs: stats.mtimeMs })
  }
  return found
}
