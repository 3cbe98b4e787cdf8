// npm test: everything `npm run check` does, then the tests with whole agents, then end to end. Whole agents, and several PCs of a
// network, mostly wait: they run beside others, and what they say is said when these are through.
import { build } from './bundles.ts'
import { checkTypes, lint, runEndToEnd, runVitest } from './steps.ts'
import { addTallies, closingLine, emptyTally, isGood, type Tally } from './tally.ts'

const netns = beside('netns')
const first = addTallies(
  await checkTypes(),
  await lint(),
  await runVitest('main'),
  await runVitest('renderer'),
  await built()
)
const integration = beside('integration')
const tally = addTallies(first, await netns(), await runEndToEnd(), await integration())
for (const { title, reason } of tally.skipped) process.stdout.write(`skipped: ${title} (${reason})\n`)
if (tally.passed === 0 && tally.failed === 0) process.stdout.write('No test ran.\n')
process.stdout.write(`\n${closingLine(tally)}\n`)
process.exitCode = isGood(tally) ? 0 : 1

/** Starts the tests of a project. @returns waits for their end and prints what they have said */
function beside(project: 'netns' | 'integration'): () => Promise<Tally> {
  const said: Buffer[] = []
  const tally = runVitest(project, { later: (bytes) => said.push(bytes) })
  return () => tally.finally(() => process.stdout.write(Buffer.concat(said)))
}

async function built(): Promise<Tally> {
  return (await build('cli')) ? emptyTally : { ...emptyTally, failed: 1 }
}
