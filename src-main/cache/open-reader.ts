import type { Sha256Hex } from '../contract/ids.ts'
import { LarderError } from '../lib/errors.ts'
import type { ContentReader } from './cache.ts'
import type { ContentStore } from './content-store.ts'

/** A content that stays until its reader is closed; undefined: it is not here (any more), or was damaged. */
export async function openReader(store: ContentStore, sha256: Sha256Hex): Promise<ContentReader | undefined> {
  store.users.hold(sha256)
  let closed = false
  const close = async () => {
    if (!closed) store.users.letGo(sha256)
    closed = true
  }
  const sidecar = await store.sound(sha256).catch(async (error) => {
    await close()
    throw error
  })
  if (!sidecar) {
    await close()
    return undefined
  }
  const { plan, pieceDigests, provenances } = sidecar
  const read = async (start: number, length: number, into?: Buffer) => {
    if (closed) throw new LarderError('CANCELLED', 'This content is closed', { sha256 })
    if (start < 0 || length < 0 || start + length > plan.lengthBytes)
      throw new RangeError(`bytes ${start}+${length} of ${plan.lengthBytes}`)
    return store.read(sidecar, start, length, into)
  }
  return { sha256, plan, pieceDigests, provenances, read, close }
}
