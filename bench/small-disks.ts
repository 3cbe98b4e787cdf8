import { execFileSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, rmSync, truncateSync } from 'node:fs'

const SIZE_BYTES = 96 * 1024 * 1024

/** A small file system of its own for the folder of one agent, that can be made to fail. */
export interface SmallDisk {
  /** Why it cannot be had here; null when it can. */
  whyNot(): string | null
  /** `sizeBytes`: what it holds; 96 MiB by default. */
  mount(dir: string, sizeBytes?: number): void
  /** Harmless where nothing is mounted. */
  unmount(dir: string): void
}

/** In memory: fills up soon, and can be made read-only while nothing is open for writing. */
export const memoryDisk: SmallDisk = {
  whyNot: () => whyNoMount(),
  mount(dir, sizeBytes = SIZE_BYTES) {
    mkdirSync(dir, { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes},mode=700`, 'tmpfs', dir])
  },
  unmount
}

const imageOf = (dir: string): string => `${dir}.img`

/** ext4 in a file: {@link failDisk} does to it what an I/O error does, while files are open. */
export const failingDisk: SmallDisk = {
  whyNot: () =>
    whyNoMount() ?? (['/sbin/mkfs.ext4', '/usr/sbin/mkfs.ext4'].some(existsSync) ? null : 'needs mkfs.ext4'),
  mount(dir, sizeBytes = SIZE_BYTES) {
    mkdirSync(dir, { recursive: true })
    closeSync(openSync(imageOf(dir), 'w'))
    truncateSync(imageOf(dir), sizeBytes)
    execFileSync('mkfs.ext4', ['-q', '-F', imageOf(dir)])
    execFileSync('mount', ['-o', 'loop', imageOf(dir), dir])
  },
  unmount(dir) {
    unmount(dir)
    rmSync(imageOf(dir), { force: true })
  }
}

/** From now on the file system is read-only, whoever has files open. */
export function failDisk(dir: string): void {
  execFileSync('mount', ['-o', 'remount,abort', dir])
}

/** Checks the disk as a PC does when it starts again, and mounts it. Nothing may be open on it. */
export function repairDisk(dir: string): void {
  unmount(dir)
  try {
    execFileSync('e2fsck', ['-p', '-f', imageOf(dir)], { stdio: 'ignore' })
  } catch (error) {
    // 1: errors were corrected.
    if ((error as { status?: number }).status !== 1) throw error
  }
  execFileSync('mount', ['-o', 'loop', imageOf(dir), dir])
}

export function remount(dir: string, mode: 'ro' | 'rw'): void {
  execFileSync('mount', ['-o', `remount,${mode}`, dir])
}

function unmount(dir: string): void {
  if (!existsSync(dir)) return
  try {
    execFileSync('umount', [dir], { stdio: 'ignore' })
  } catch {
    execFileSync('umount', ['-l', dir])
  }
}

function whyNoMount(): string | null {
  if (process.platform !== 'linux') return 'needs Linux'
  return process.getuid?.() === 0 ? null : 'needs root to mount a small file system'
}
