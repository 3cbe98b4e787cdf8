import { open, type FileHandle } from 'node:fs/promises'

/** Reads a file of at most `maxBytes`. @throws RangeError when it is longer; the file system's error otherwise */
export async function readBoundedFile(path: string, maxBytes: number): Promise<Buffer> {
  const file = await open(path, 'r')
  try {
    return await readAtMost(file, maxBytes, path)
  } finally {
    await file.close()
  }
}

/** Reads an open file from its start. @throws RangeError when it has more than `maxBytes` */
export async function readAtMost(file: FileHandle, maxBytes: number, path: string): Promise<Buffer> {
  const buffer = Buffer.alloc(maxBytes + 1)
  let length = 0
  while (length <= maxBytes) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, null)
    if (bytesRead === 0) return buffer.subarray(0, length)
    length += bytesRead
  }
  throw new RangeError(`${path} is longer than ${maxBytes} bytes`)
}
