// npm test: everything `npm run check` does, then the tests with whole agents, then end to end. Those of several PCs mostly wait
// for what real networks take, and run beside the first.
import { build } from './bundles.ts'
import { checkTypes, lint, runEndToEnd, runVitest } from './steps.ts'
import { addTallies, closingLine, emptyTally, isGood, type Tally } from './tally.ts'

const saidByNetns: Buffer[] = []
const netns = runVitest('netns', { later: (said) => saidByNetns.push(said) })
const tally = addTallies(
  await checkTypes(),
  await lint(),
  await runVitest('main'),
  await runVitest('renderer'),
  await built(),
  await runVitest('integration'),
  await netns.finally(() => process.stdout.write(Buffer.concat(saidByNetns))),
  await runEndToEnd()
)
for (const { title, reason } of tally.skipped) process.stdout.write(`skipped: ${title} (${reason})\n`)
if (tally.passed === 0 && tally.failed === 0) process.stdout.write('No test ran.\n')
process.stdout.write(`\n${closingLine(tally)}\n`)
process.exitCode = isGood(tally) ? 0 : 1

async function built(): Promise<Tally> {
  return (await build('cli')) ? emptyTally : { ...emptyTally, failed: 1 }
}
