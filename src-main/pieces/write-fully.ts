/** Writes some bytes of `data` from `offset` on, at `position` of a file; says how many. The shape of `fs.writeSync`. */
export type WriteSome = (data: Uint8Array, offset: number, length: number, position: number) => number

/** Writes all of `data` at `position`; a file system may take less than it was given at a time. @throws what `write` throws; EIO when it stops taking */
export function writeFully(write: WriteSome, data: Uint8Array, position: number): void {
  let done = 0
  while (done < data.length) {
    const taken = write(data, done, data.length - done, position + done)
    if (taken <= 0)
      throw Object.assign(new Error('the file system takes no more bytes'), { code: 'EIO', syscall: 'write' })
    done += taken
  }
}
