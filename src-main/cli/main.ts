import { CommanderError } from 'commander'
import { thisPc, type CliHost } from './cli-host.ts'
import { Output } from './output.ts'
import { buildProgram } from './program.ts'

/** Runs one command line. @returns the exit code */
export async function main(
  argv: readonly string[],
  streams: Pick<Output, 'stdout' | 'stderr'> = process,
  host: CliHost = thisPc
): Promise<number> {
  const output = new Output(argv.includes('--json'), streams)
  try {
    const program = buildProgram(output, host)
    // A shell asks for words at each Tab; all other commands do without the library.
    if (argv[0] === 'complete' || argv[0] === 'completion') (await import('./completion.ts')).addCompletion(program)
    await program.parseAsync(argv, { from: 'user' })
    return 0
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0
    const { errorTable } = await import('../contract/errors.ts')
    const { LarderError } = await import('../lib/errors.ts')
    if (thrown instanceof CommanderError) {
      // Asked for nothing: the help has been shown.
      if (thrown.code === 'commander.help') return errorTable.BAD_REQUEST.exit
      const message = thrown.message.replace(/^error: /, '').trim()
      output.error({
        ...new LarderError('BAD_REQUEST', message).toView(),
        next: 'See `larder --help`, or `larder <command> --help`.'
      })
      return errorTable.BAD_REQUEST.exit
    }
    const error = LarderError.from(thrown)
    output.error(error.toView())
    if (error.code === 'INTERNAL' && thrown instanceof Error) output.note(thrown.stack ?? '')
    return errorTable[error.code].exit
  }
}
