import { keepYoungHeapSmall } from '../lib/small-heap.ts'
import { leave, looksUpNames } from './leave.ts'
import { main } from './main.ts'
import { toleratePipeEnd, written } from './output.ts'

// Before the agent's code is loaded.
keepYoungHeapSmall()
const argv = process.argv.slice(2)
toleratePipeEnd(() => argv[0] === 'agent')
const code = (process.exitCode = await main(argv))
// Everything has been said. What is still under way, nobody waits for.
if (argv[0] === 'agent' || looksUpNames()) {
  await written()
  leave(code)
}
