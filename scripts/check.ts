// npm run check: types, lint, unit tests with the layer rule.
import { checkTypes, lint, runVitest } from './steps.ts'
import { addTallies, closingLine, isGood } from './tally.ts'

const tally = addTallies(await checkTypes(), await lint(), await runVitest('main'), await runVitest('renderer'))
for (const { title, reason } of tally.skipped) process.stdout.write(`skipped: ${title} (${reason})\n`)
process.stdout.write(`\n${closingLine(tally)}\n`)
process.exitCode = isGood(tally) ? 0 : 1
