import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open, rm, type FileHandle } from 'node:fs/promises'
import { LarderError, systemCode } from '../lib/errors.ts'
import type { ReleasePackage } from './manifest.ts'

const CHUNK_BYTES = 1024 * 1024

/**
 * Copies a package out of a folder that somebody else may write, and believes the copy alone: what is installed is what was hashed.
 * @param to in a folder of this user alone
 * @throws UPDATE_PACKAGE_INVALID; then there is no copy
 */
export async function takePackage(from: string, to: string, about: ReleasePackage): Promise<void> {
  const refuse = (why: string, details = {}) =>
    new LarderError('UPDATE_PACKAGE_INVALID', `The package of the update ${why}`, { ...details })
  let source: FileHandle
  try {
    // Neither a link nor a pipe that never ends.
    source = await open(from, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    throw refuse(`cannot be read (${systemCode(error) ?? String(error)})`)
  }
  let good = false
  try {
    const stats = await source.stat()
    if (!stats.isFile()) throw refuse('is not a file')
    if (stats.size !== about.sizeBytes)
      throw refuse(`has ${stats.size} bytes instead of ${about.sizeBytes}`, {
        expected: about.sizeBytes,
        actual: stats.size
      })
    const target = await open(to, 'wx', 0o600)
    try {
      const actual = await copyHashed(source, target, about.sizeBytes)
      if (actual !== about.sha256) throw refuse('has another digest', { expected: about.sha256, actual })
      await target.sync()
      good = true
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
    if (!good) await rm(to, { force: true })
  }
}

/** @returns SHA-256 of what was written, at most `bytes` */
async function copyHashed(source: FileHandle, target: FileHandle, bytes: number): Promise<string> {
  const hash = createHash('sha256')
  const buffer = Buffer.alloc(CHUNK_BYTES)
  for (let left = bytes; left > 0;) {
    const { bytesRead } = await source.read(buffer, 0, Math.min(CHUNK_BYTES, left), null)
    if (bytesRead === 0) break
    hash.update(buffer.subarray(0, bytesRead))
    await target.writeFile(buffer.subarray(0, bytesRead))
    left -= bytesRead
  }
  return hash.digest('hex')
}
