import { keepYoungHeapSmall } from '../lib/small-heap.ts'
import { main } from './main.ts'
import { toleratePipeEnd } from './output.ts'

// Before the agent's code is loaded.
keepYoungHeapSmall()
const argv = process.argv.slice(2)
toleratePipeEnd(() => argv[0] === 'agent')
process.exitCode = await main(argv)
