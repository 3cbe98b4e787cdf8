import { PerformanceObserver } from 'node:perf_hooks'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/** Size at which the young generation stops growing. */
const ENOUGH_BYTES = 16 * 1024 * 1024

/**
 * Keeps the young generation of the heap small. By default it grows to tens of MiB, and buffers outside the heap that it refers
 * to live on until it is full: an agent that downloads at full rate took 60 MiB more memory and was no faster. While code is loaded nearly everything
 * stays, and an idle process makes little: room for what is short-lived would only be taken and kept. Counts for the whole process; to be called before the
 * program is loaded.
 */
export function keepYoungHeapSmall(): void {
  setGrowth(1)
}

let grows = false

/** There is work: as small as it started, the young generation would promote what is short-lived. Cheap to call again. */
export function letYoungHeapGrow(): void {
  if (grows) return
  grows = true
  setGrowth(2)
  // It grows only when it is collected.
  const collections = new PerformanceObserver(() => {
    const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')
    if (young && young.space_size < ENOUGH_BYTES) return
    setGrowth(1)
    collections.disconnect()
  })
  collections.observe({ entryTypes: ['gc'] })
}

function setGrowth(factor: number): void {
  setFlagsFromString(`--semi-space-growth-factor=${factor}`)
}
