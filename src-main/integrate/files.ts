import { accessSync, constants } from 'node:fs'
import { lstat, mkdir, readdir, readFile, realpath, rm, rmdir, stat } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { LarderError, systemCode } from '../lib/errors.ts'
import { writeBeside } from '../lib/write-beside.ts'
import { foldersOf, isMade, makeEdit, undoEdit } from './edits.ts'
import type { Surroundings, Tool } from './tools.ts'

/** A configuration file is never longer. */
const MAX_BYTES = 1024 * 1024

export interface FileChange {
  readonly path: string
  /** `none`: it is as it should be. */
  readonly change: 'create' | 'change' | 'remove' | 'none'
}

export interface ToolState {
  readonly name: string
  /** The tool is on this PC. */
  readonly installed: boolean
  readonly integrated: boolean
}

/**
 * Puts a tool's configuration in, or takes it out: all files, or none where one cannot be changed.
 * @throws TOOL_CONFIGURED, TOOL_UNWRITABLE
 */
export async function integrate(
  tool: Tool,
  where: Surroundings,
  { undo = false, dryRun = false }: { undo?: boolean; dryRun?: boolean } = {}
): Promise<FileChange[]> {
  const planned = []
  for (const { path, edit } of await filesOf(tool, where)) {
    if (edit.kind === 'none' && undo) continue
    const before = await textOf(path)
    const made = isMade(before, edit)
    const folders = before === null ? await missingFolders(path) : 0
    const after = undo ? (made ? undoEdit(before!, edit) : before) : (makeEdit(before, edit, path, folders) ?? before)
    if (edit.kind !== 'none') planned.push({ path, before, after })
  }
  const changes: FileChange[] = []
  const done: typeof planned = []
  for (const step of planned) {
    const { path, before, after } = step
    const change = before === after ? 'none' : after === null ? 'remove' : before === null ? 'create' : 'change'
    if (!dryRun && change !== 'none') {
      try {
        await put(path, before, after)
      } catch (error) {
        for (const { path, before, after } of done.toReversed()) await put(path, after, before)
        throw error
      }
      done.push(step)
    }
    changes.push({ path, change })
  }
  return changes
}

export async function stateOf(tool: Tool, where: Surroundings, searchPath: string): Promise<ToolState> {
  const files = await filesOf(tool, where)
  // What cannot be read is not as it was put in; the other tools are still to be told of.
  const made = await Promise.all(
    files.map(async ({ path, edit }) => edit.kind !== 'none' && isMade(await textOf(path).catch(() => null), edit))
  )
  return {
    name: tool.name,
    installed: tool.programs.some((program) => isOn(searchPath, program)),
    integrated: made.some(Boolean)
  }
}

async function filesOf(tool: Tool, where: Surroundings) {
  const folders = new Map<string, readonly string[]>()
  const asked: string[] = []
  // The table is asked twice: what folders it wants to know, and then with what is in them.
  tool.files(where, (path) => {
    asked.push(path)
    return []
  })
  for (const path of asked) {
    const names = await readdir(path).catch(() => [])
    folders.set(
      path,
      names.toSorted().map((name) => join(path, name))
    )
  }
  return tool.files(where, (path) => folders.get(path) ?? [])
}

/** Every byte as one character, so that what is not ours stays as it is. */
async function textOf(path: string): Promise<string | null> {
  try {
    const { size } = await stat(path)
    if (size > MAX_BYTES) throw new LarderError('TOOL_CONFIGURED', `${path} is too long for a configuration`, { path })
    return await readFile(path, 'latin1')
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') {
      const isLink = await lstat(path).then(
        () => true,
        () => false
      )
      if (!isLink) return null
      throw new LarderError('TOOL_CONFIGURED', `${path} is a link to a file that is not there`, { path })
    }
    throw systemCode(error) === null ? error : unwritable(path, error)
  }
}

/** So many folders have to be made for the file. */
async function missingFolders(path: string): Promise<number> {
  let missing = 0
  for (let folder = dirname(path); missing < 9; folder = dirname(folder)) {
    const isThere = await lstat(folder).then(
      () => true,
      () => false
    )
    if (isThere) break
    missing++
  }
  return missing
}

/** In one step for every reader; owner and mode stay, a link keeps pointing to its file. */
async function put(path: string, old: string | null, text: string | null): Promise<void> {
  try {
    if (text === null) {
      await rm(await realpath(path))
      await rm(path, { force: true })
      // Only those that were made for it, and that nobody else has put anything in.
      let folder = dirname(path)
      for (let left = foldersOf(old ?? ''); left > 0; left--, folder = dirname(folder))
        await rmdir(folder).catch(() => {})
      return
    }
    const target = await realpath(path).catch(() => path)
    await mkdir(dirname(target), { recursive: true })
    const before = await stat(target).catch(() => null)
    await writeBeside(target, Buffer.from(text, 'latin1'), async (file) => {
      if (before) await file.chown(before.uid, before.gid).catch(() => {})
      await file.chmod(before ? before.mode & 0o7777 : 0o644)
    })
  } catch (error) {
    throw unwritable(path, error)
  }
}

function unwritable(path: string, cause: unknown): LarderError {
  return new LarderError('TOOL_UNWRITABLE', `${path} cannot be changed (${systemCode(cause) ?? 'unknown'})`, {
    path,
    cause
  })
}

function isOn(searchPath: string, program: string): boolean {
  return searchPath.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
