import { connect } from '../client/connection.ts'
import type { LogView } from '../contract/api.ts'
import type { Output } from './output.ts'
import type { AgentCommandOptions } from './show.ts'

/** Shows the level of the agent's log, or sets it until the agent ends. */
export async function logLevel(
  level: LogView['level'] | undefined,
  options: AgentCommandOptions,
  output: Output
): Promise<void> {
  const agent = await connect(options)
  const log = level === undefined ? await agent.log() : await agent.setLogLevel(level)
  output.result({ log }, () =>
    level === undefined
      ? `The log in ${log.dir} has the level ${log.level}.`
      : `The log in ${log.dir} has the level ${log.level} until the agent ends.`
  )
}
