// npm run demo: one site downloads once, before your eyes.
import { Command, Option } from 'commander'
import { createLogUpdate } from 'log-update'
import { directDownloads } from './direct-downloads.ts'
import {
  coloured,
  drawScene,
  drawSummary,
  isRight,
  newsBetween,
  plain,
  plainProgress,
  type DemoScene
} from './demo-screen.ts'
import { startFleet } from './fleet.ts'
import { startOrigin } from './origin-process.ts'
import { RunScope } from './run-scope.ts'
import { runSite, type SiteProgress } from './site-run.ts'
import { formatSize } from '../src-main/contract/sizes.ts'
import { formatSeconds, parseCount, parseRate, parseSize, secondsAt } from './units.ts'

interface Flags {
  size: number
  agents: number
  kill: boolean
  rateMbit: number | null
  keep?: boolean
}

const program = new Command('demo')
  .description(
    'Starts an origin and a fleet of agents on this machine, asks all of them for the same file at once, and kills the master half way.'
  )
  .addOption(
    new Option('--size <size>', 'size of the file').argParser(parseSize).default(parseSize('100MiB'), '100MiB')
  )
  .option('--agents <n>', 'number of agents', parseCount(2, 30), 5)
  .option('--rate-mbit <n>', 'rate of the origin, Mbit/s, or none', parseRate, 50)
  .option('--no-kill', 'leave the master alone')
  .option('--keep', 'keep the folders of agents and files, and say where they are')
  .parse()
const flags = program.opts<Flags>()

const live = process.stdout.isTTY && process.env['TERM'] !== 'dumb' && !process.env['CI']
const paint = live && !process.env['NO_COLOR'] ? coloured : plain
const screen = createLogUpdate(process.stdout)
const PLAIN_LINE_SECONDS = 2

const scope = new RunScope({ keepFolders: flags.keep === true })
const restoreScreen = (): void => {
  if (live) screen.done()
}
process.on('exit', restoreScreen)
try {
  const facts = { agents: flags.agents, sizeBytes: flags.size, rateMbit: flags.rateMbit }
  const news: string[] = []
  const show = (progress: SiteProgress | null): void => {
    if (live) screen(drawScene({ ...facts, progress, news } satisfies DemoScene, paint))
  }
  const tell = (text: string): void => {
    news.push(text)
    if (!live) process.stdout.write(`${text}\n`)
  }

  tell('starting the origin')
  show(null)
  const origin = await startOrigin(scope, { files: 1, sizeBytes: flags.size, rateMbit: flags.rateMbit, seed: 'demo' })
  tell(`starting ${flags.agents} agents, each a process of its own`)
  show(null)
  const agents = await startFleet(scope, {
    agents: flags.agents,
    onReady: (ready) => {
      if (!live) return
      news[news.length - 1] = `starting ${flags.agents} agents, each a process of its own: ${ready} of ${flags.agents}`
      show(null)
    }
  })
  tell(`all ${flags.agents} agents have found each other; asking all of them for ${formatSize(flags.size)}`)

  let last: SiteProgress | null = null
  let nextLineAt = 0
  const optimumSeconds = secondsAt(flags.size, flags.rateMbit)
  const outcome = await runSite(scope, {
    agents,
    origin,
    timeoutMs: Math.max(120_000, Math.round((optimumSeconds ?? 0) * 10_000)),
    pollMs: 100,
    ...(flags.kill
      ? {
          killWhen: ({ agents: all }) =>
            all.some(
              (agent) => agent.role === 'master' && agent.haveBytes >= agent.totalBytes / 2 && agent.state === 'working'
            )
        }
      : {}),
    onKill: (name) => {
      tell(`${formatSeconds(last?.seconds ?? 0).padStart(7)}  kill -9: the master ${name} is gone`)
    },
    onTakeover: (seconds) =>
      tell(
        `${formatSeconds(last?.seconds ?? 0).padStart(7)}  taken over ${formatSeconds(seconds, 2)} after the kill: the WAN delivers again`
      ),
    onProgress: (progress) => {
      for (const line of newsBetween(last, progress)) tell(line)
      last = progress
      if (live) show(progress)
      else if (progress.seconds >= nextLineAt) {
        process.stdout.write(`${plainProgress(progress)}\n`)
        nextLineAt = progress.seconds + PLAIN_LINE_SECONDS
      }
    }
  })
  show(last)
  if (live) screen.done()
  const baseline = await directDownloads(origin, flags.agents, flags.rateMbit, { longestSeconds: 0 })
  process.stdout.write(drawSummary(outcome, { sizeBytes: flags.size, optimumSeconds, baseline }, paint))
  process.exitCode = isRight(outcome) ? 0 : 1
} catch (error) {
  if (live) screen.done()
  process.stderr.write(`The demo did not work: ${(error as Error).message}\n`)
  process.exitCode = 1
} finally {
  await scope.close()
  process.off('exit', restoreScreen)
  for (const dir of scope.kept) process.stdout.write(`kept: ${dir}\n`)
}
