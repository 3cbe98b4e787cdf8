import { hash } from 'node:crypto'
import { write } from 'node:fs'
import { promisify } from 'node:util'

const writeSome = promisify(write)

/** Hashes on the calling thread; about 0.6 ms for a MiB. */
export function digestHere(data: Uint8Array): Buffer {
  return hash('sha256', data, 'buffer')
}

/** Writes all of `data` at `position` without blocking the calling thread. @throws the file system's error; EIO when it stops taking */
export async function writeHere(fd: number, data: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < data.length;) {
    const { bytesWritten } = await writeSome(fd, data, done, data.length - done, position + done)
    if (bytesWritten <= 0)
      throw Object.assign(new Error('the file system takes no more bytes'), { code: 'EIO', syscall: 'write' })
    done += bytesWritten
  }
}
