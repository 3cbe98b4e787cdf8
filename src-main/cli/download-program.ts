import { Option, type Command } from 'commander'
import { LarderError } from '../lib/errors.ts'
import { duration } from './arguments.ts'
import type { Output } from './output.ts'

/** What people do with downloads that run. @param command makes a command with the options all commands have */
export function addDownloadCommands(
  program: Command,
  command: (parent: Command, usage: string, summary: string) => Command,
  output: Output
): void {
  const downloads = async () => import('./downloads.ts')
  const switches = async () => import('./switches.ts')
  const which = 'id as `larder downloads` shows it, or the URL'
  command(program, 'downloads', 'List downloads: those that run, and the newest that ended.')
    .option('-w, --watch', 'keep showing them; without a terminal, a line per change')
    .option('--all', 'all that ended, not only the newest')
    .addOption(
      new Option('--clear', 'remove what has ended from the list; files and cache stay as they are').conflicts([
        'watch',
        'all'
      ])
    )
    .action(async ({ clear, ...options }) =>
      clear === true
        ? (await downloads()).clearDownloads(options, output)
        : (await downloads()).showDownloads(options, output)
    )
  command(program, 'cancel', 'Cancel downloads.')
    .argument('[download...]', which)
    .option('--all', 'all that run')
    .action(async (names, options) => (await downloads()).cancelDownloads(names, options, output))
  command(program, 'pause', 'Pause downloads, or all transfers of this PC.')
    .argument('[download...]', `${which}; none: everything, serving others included`)
    .option('--for <duration>', 'resume automatically after this time (default: 24h)', duration)
    .addOption(new Option('--until-resumed', 'do not resume by itself').conflicts('for'))
    .action(async (names: string[], { for: forMs, untilResumed, ...options }) => {
      if (names.length === 0)
        return (await switches()).pauseTransfers(
          { ...options, forMs: untilResumed ? null : (forMs ?? 24 * 3600_000) },
          output
        )
      if (forMs !== undefined)
        throw new LarderError('BAD_REQUEST', '--for is for all transfers; a single download is paused until resumed')
      await (await downloads()).pauseDownloads(names, options, output)
    })
  command(program, 'resume', 'Let downloads go on, or all transfers of this PC.')
    .argument('[download...]', `${which}; none: everything`)
    .action(async (names: string[], options) =>
      names.length === 0
        ? (await switches()).resumeTransfers(options, output)
        : (await downloads()).resumeDownloads(names, options, output)
    )
}
