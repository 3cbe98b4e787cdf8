// npm run e2e [-- ARGUMENTS OF PLAYWRIGHT]: the window and the tray, on Electron where its binary is there, on the test host otherwise.
import { runEndToEnd } from './steps.ts'
import { closingLine, isGood } from './tally.ts'

const tally = await runEndToEnd(process.argv.slice(2))
for (const { title, reason } of tally.skipped) process.stdout.write(`skipped: ${title} (${reason})\n`)
process.stdout.write(`\n${closingLine(tally)}\n`)
process.exitCode = isGood(tally) ? 0 : 1
