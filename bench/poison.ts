// What members that lie about contents without digest achieve: agents and liars of one process on loopback.
import { Command } from 'commander'
import { formatSize } from '../src-main/contract/sizes.ts'
import {
  caughtShare,
  planSample,
  worthTogether,
  type SampleQuestion
} from '../src-main/transfers/verify/sample-plan.ts'
import { SeededRandom } from '../src-main/testing/mutate.ts'
import { readFlags } from './flags.ts'
import { poison, type PoisonOutcome, type PoisonPlan } from './poison-site.ts'
import { drawTable } from './table.ts'
import { parseCount, parseSize } from './units.ts'

interface Flags {
  pcs: number
  liars: number
  contents: number
  size: number
  patch?: number
  seed: number
  minutes: number
  returns?: boolean
  before?: boolean
  calculate?: boolean
}

const program = new Command('bench:poison')
  .description(
    'Members that say they have every content and sign what they made up. Exit code 1 when PCs that check got a wrong file of a liar they had found out, were not told of one they had got, or a download failed.'
  )
  .option('--pcs <n>', 'honest PCs', parseCount(1, 50), 3)
  .option('--liars <n>', 'members that lie', parseCount(0, 3), 1)
  .option('--contents <n>', 'each asked for by all PCs at once', parseCount(1, 1000), 200)
  .option('--size <size>', 'of each content', parseSize, 60 * 1024)
  .option('--patch <size>', 'only this many bytes of each are wrong', parseSize)
  .option('--returns', 'a liar that was found out comes back with another identity')
  .option('--before', 'PCs that trust signatures as well')
  .option('--calculate', 'only what samples find by calculation, and by drawing 2,000 of them')
  .option('--minutes <n>', 'no new content after that', parseCount(1, 60), 8)
  .option('--seed <n>', 'of the contents', parseCount(0, 1_000_000), 1)
const flags = readFlags<Flags>(program)

const limits = { share: 0.02, bytes: 256 * 1024 }
const DRAWS = 2000
const said = (text: string): void => void process.stdout.write(`${text}\n`)

if (flags.calculate) calculate()
else await campaign()

async function campaign(): Promise<void> {
  const { pcs, liars, contents, size, patch, seed, minutes, returns = false } = flags
  const plan: PoisonPlan = {
    pcs,
    liars,
    contents,
    size,
    seed,
    returns,
    limitMs: minutes * 60_000,
    ...(patch !== undefined && { patch })
  }
  const before = flags.before ? await poison('trust', plan) : null
  const after = await poison('check', plan)
  const calculated = seenShare({ lengthBytes: size, pcs: pcs + liars }, patch ?? size, pcs)
  if (flags.json) said(JSON.stringify({ ...flags, before, after, calculated }))
  else {
    said(
      `${pcs} PCs, ${liars} liars${returns ? ' that come back' : ''}, contents of ${formatSize(size)}${patch === undefined ? '' : `, ${formatSize(patch)} of it wrong`}, seed ${seed}`
    )
    said(
      drawTable(
        [
          '',
          'contents',
          'files',
          'wrong',
          'failed',
          'identities found by all',
          'caught of attacked',
          'wrong once found',
          'not told',
          'origin ÷ content',
          'compared ÷ content'
        ],
        [...(before ? [row('trusting signatures', before)] : []), row('checking', after)]
      )
    )
    said(`one of ${pcs} PCs sees it in ${percent(calculated)} of contents (calculated)`)
  }
  process.exitCode = after.wrongAfter + after.untold + after.failed > 0 ? 1 : 0
}

function row(name: string, one: PoisonOutcome): string[] {
  const { contents, files, wrong, failed, found, identities, caught, attacked, wrongAfter, untold } = one
  return [
    name,
    ...[contents, files, wrong, failed].map(String),
    `${found} of ${identities}`,
    `${caught} of ${attacked}`,
    ...[wrongAfter, untold].map(String),
    one.originShare.toFixed(3),
    percent(one.sampledShare)
  ]
}

/** What samples find in a content that is too large for many runs: the same plan, drawn again and again. */
function calculate(): void {
  const random = new SeededRandom(flags.seed)
  const rows = [3, 10, 50].flatMap((pcs) =>
    [64 * 1024].map((patch) => {
      const question = { lengthBytes: 100 * 2 ** 20, pcs }
      return [
        String(pcs),
        formatSize(patch),
        percent(seenShare(question, patch, pcs)),
        percent(drawnShare(question, patch, pcs, random))
      ]
    })
  )
  said(drawTable(['PCs', 'wrong of 100 MiB', 'seen by one of them, calculated', `of ${DRAWS} drawn`], rows))
}

function seenShare({ lengthBytes, pcs }: { lengthBytes: number; pcs: number }, patch: number, asking: number): number {
  const question = { lengthBytes, pcs, limits }
  return caughtShare(patch, asking, question, worthTogether(question) ? 'together' : 'each')
}

function drawnShare(
  { lengthBytes, pcs }: { lengthBytes: number; pcs: number },
  patch: number,
  asking: number,
  random: SeededRandom
): number {
  const question: SampleQuestion = { lengthBytes, pcs, limits }
  const asked = worthTogether(question) ? 'together' : 'each'
  let seen = 0
  for (let n = 0; n < DRAWS; n++) {
    const start = random.below(lengthBytes - patch)
    const meets = () =>
      planSample(
        [{ start: 0, end: lengthBytes }],
        { ...question, random: () => random.below(2 ** 31) / 2 ** 31 },
        asked
      ).some((span) => span.start < start + patch && span.end > start)
    if (Array.from({ length: asking }, meets).some(Boolean)) seen++
  }
  return seen / DRAWS
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
