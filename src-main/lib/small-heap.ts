import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/** Size at which the young generation stops growing. */
const ENOUGH_BYTES = 4 * 1024 * 1024
/** While code is loaded nearly everything stays: room for what is short-lived would only be taken and kept. */
const LOADING_MS = 5000
const LOOK_EVERY_MS = 100

/**
 * Keeps the young generation of the heap small. By default it grows to tens of MiB, and buffers outside the heap that it refers
 * to live on until it is full: an agent that downloads at full rate took 60 MiB more memory and was no faster. Left as small as
 * it starts, it promotes what is short-lived. Counts for the whole process; to be called before the program is loaded.
 */
export function keepYoungHeapSmall(): void {
  setGrowth(1)
  setTimeout(() => {
    setGrowth(2)
    const look = setInterval(() => {
      const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')
      if (young && young.space_size < ENOUGH_BYTES) return
      setGrowth(1)
      clearInterval(look)
    }, LOOK_EVERY_MS).unref()
  }, LOADING_MS).unref()
}

function setGrowth(factor: number): void {
  setFlagsFromString(`--semi-space-growth-factor=${factor}`)
}
