import { fileURLToPath } from 'node:url'
import { useCodeCache } from '../lib/code-cache.ts'
import { keepYoungHeapSmall } from '../lib/small-heap.ts'
import { dataDirOf } from './data-dir-of.ts'
import { runsAgent } from './runs-agent.ts'

// Before the program is loaded, which is why it is loaded only then.
const argv = process.argv.slice(2)
if (runsAgent(argv)) keepYoungHeapSmall()
useCodeCache(dataDirOf(argv), fileURLToPath(import.meta.url))
const { run } = await import('./run.ts')
await run(argv)
