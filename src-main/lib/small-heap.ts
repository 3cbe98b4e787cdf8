import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/** Size at which the young generation stops growing. */
const ENOUGH_BYTES = 4 * 1024 * 1024
const LOOK_EVERY_MS = 100

/**
 * Stops the young generation of the heap from growing past some MiB. By default it grows to tens of MiB, and buffers outside
 * the heap that it refers to live on until it is full: an agent that downloads at full rate took 60 MiB more memory and was
 * no faster. Left as small as it starts, it promotes what is short-lived. Counts for the whole process.
 */
export function keepYoungHeapSmall(): void {
  const look = setInterval(() => {
    const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')
    if (young && young.space_size < ENOUGH_BYTES) return
    setFlagsFromString('--semi-space-growth-factor=1')
    clearInterval(look)
  }, LOOK_EVERY_MS).unref()
}
