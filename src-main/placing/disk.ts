import * as promises from 'node:fs/promises'

/** What placing does to a file system; a port, so that tests can have one that fails. */
export type Disk = Pick<
  typeof promises,
  'access' | 'copyFile' | 'link' | 'lstat' | 'open' | 'readdir' | 'realpath' | 'rename' | 'stat' | 'statfs' | 'unlink'
>

export const systemDisk: Disk = promises
