import { leave, looksUpNames } from './leave.ts'
import { main } from './main.ts'
import { toleratePipeEnd, written } from './output.ts'
import { runsAgent } from './runs-agent.ts'

/** The process runs one command line and ends with its exit code. */
export async function run(argv: readonly string[]): Promise<void> {
  toleratePipeEnd(() => runsAgent(argv))
  const code = (process.exitCode = await main(argv))
  // Everything has been said. What is still under way, nobody waits for.
  if (runsAgent(argv) || looksUpNames()) {
    await written()
    leave(code)
  }
}
