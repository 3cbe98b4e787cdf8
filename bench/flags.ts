import type { Command } from 'commander'

/** What every measurement can be asked for. */
export interface AnswerFlags {
  /** One JSON object instead of a table. */
  readonly json?: boolean
}

/** Reads the flags of this process, `--json` among them. Ends the process when they are wrong, or when only help was wanted. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- names the shape that the caller's own options make
export function readFlags<Flags extends object>(program: Command): Flags & AnswerFlags {
  return program.option('--json', 'print one JSON object').parse().opts<Flags & AnswerFlags>()
}
