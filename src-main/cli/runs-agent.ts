/** Whether a command line runs an agent until it is told to stop, before it is parsed: `larder agent`, and `larder hub` without a further command. */
export function runsAgent(argv: readonly string[]): boolean {
  return argv[0] === 'agent' || (argv[0] === 'hub' && !hubCommands.has(argv[1] ?? ''))
}

/** Commands below `hub`, which ask an agent. */
const hubCommands: ReadonlySet<string> = new Set(['status', 'sites', 'contents', 'members', 'help'])
