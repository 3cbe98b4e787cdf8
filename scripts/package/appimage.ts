import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { LARDER_VERSION } from '../../src-main/contract/version.ts'
import { findElectron } from '../electron-binary.ts'
import { root, runNode } from '../steps.ts'

/** As electron-builder looks for it, with the fuses of Electron 45 in their first state. */
const FUSE_WIRE = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX\u0001\u0009011101100'
/** Where the file system begins in a rehearsal. */
export const REHEARSAL_RUNTIME_BYTES = 4096
const REHEARSAL = 'rehearsal-'
export const isRehearsalName = (file: string): boolean => path.basename(file).startsWith(REHEARSAL)
const MKSQUASHFS = '/usr/bin/mksquashfs'

/** What a real package has at these places, said in one sentence. */
export const rehearsalNote =
  'This AppImage is a rehearsal: it holds no Electron and no runtime that mounts it. Its layout, AppRun and the packed application are those of a release; that it starts is not shown by it.'

export interface AppImage {
  readonly file: string
  /** It holds stand-ins for what could not be had here: nothing to be shipped. */
  readonly isRehearsal: boolean
}

/**
 * The tray application as an AppImage, by electron-builder. Where Electron's binary has not been fetched it is a rehearsal, with another name; it needs
 * `mksquashfs`. The bundles of the application must have been built.
 * @throws when electron-builder does not make it, or mksquashfs is missing
 */
export async function packAppImage(outDir: string): Promise<AppImage> {
  const work = mkdtempSync(path.join(os.tmpdir(), 'larder-appimage-'))
  const { binary, version } = findElectron()
  const isRehearsal = binary === null
  const tools = process.env['APPIMAGE_TOOLS_PATH']
  try {
    if (isRehearsal) process.env['APPIMAGE_TOOLS_PATH'] = standInTools(work)
    const electron = isRehearsal ? standInElectron(work, version) : path.dirname(binary)
    const code = await runNode([
      path.join(root, 'node_modules', 'electron-builder', 'cli.js'),
      ...['--publish', 'never', '--linux', 'AppImage'],
      `--config.electronDist=${electron}`,
      `--config.directories.output=${path.join(work, 'made')}`
    ])
    const made = path.join(
      work,
      'made',
      `Larder-${LARDER_VERSION}-${process.arch === 'x64' ? 'x86_64' : process.arch}.AppImage`
    )
    if (code !== 0 || !existsSync(made)) throw new Error(`electron-builder has ended with ${code}`)
    const file = path.join(outDir, isRehearsal ? `${REHEARSAL}${path.basename(made)}` : path.basename(made))
    mkdirSync(outDir, { recursive: true })
    copyFileSync(made, file)
    chmodSync(file, 0o755)
    return { file, isRehearsal }
  } finally {
    if (tools === undefined) delete process.env['APPIMAGE_TOOLS_PATH']
    else process.env['APPIMAGE_TOOLS_PATH'] = tools
    rmSync(work, { recursive: true, force: true })
  }
}

/** A folder that electron-builder takes for an unpacked Electron; its program says how it was called. */
function standInElectron(work: string, version: string): string {
  const dir = path.join(work, 'electron')
  mkdirSync(path.join(dir, 'resources'), { recursive: true })
  mkdirSync(path.join(dir, 'locales'))
  writeFileSync(path.join(dir, 'LICENSE'), '')
  writeFileSync(path.join(dir, 'version'), `v${version}`)
  writeFileSync(path.join(dir, 'locales', 'en-US.pak'), '')
  writeFileSync(path.join(dir, 'electron'), `#!/bin/sh\necho "$@"\nexit 0\n ${FUSE_WIRE}`, { mode: 0o755 })
  return dir
}

/** The tools that electron-builder would fetch: Debian's mksquashfs, and a runtime that can do nothing but be unpacked. */
function standInTools(work: string): string {
  if (!existsSync(MKSQUASHFS)) throw new Error('mksquashfs is missing: apt install squashfs-tools')
  const dir = path.join(work, 'tools')
  mkdirSync(path.join(dir, 'runtimes'), { recursive: true })
  mkdirSync(path.join(dir, 'lib', process.arch), { recursive: true })
  symlinkSync(MKSQUASHFS, path.join(dir, 'mksquashfs'))
  symlinkSync('/bin/true', path.join(dir, 'desktop-file-validate'))
  const runtime = `#!/bin/sh\necho '${rehearsalNote}' >&2\nexit 1\n`
  writeFileSync(path.join(dir, 'runtimes', `runtime-${process.arch}`), runtime.padEnd(REHEARSAL_RUNTIME_BYTES, '\n'))
  return dir
}
