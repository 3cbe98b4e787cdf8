import { setFlagsFromString } from 'node:v8'

/**
 * Keeps the young generation of the heap as small as it starts. By default it grows to tens of MiB, and buffers outside the
 * heap that it refers to live on until it is full: an agent that downloads at full rate took 60 MiB more memory and was no
 * faster. Counts for the whole process; to be called before there is much on the heap.
 */
export function keepYoungHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}
