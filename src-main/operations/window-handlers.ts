import type { Agent } from '../agent/agent.ts'
import type { Command } from '../contract/commands.ts'
import type { windowOperations } from '../contract/operations/window.ts'
import type { Answerers } from './handlers.ts'
import type { WindowServices } from './operation-host.ts'

/** Those that this window's surroundings can do; `app.info` names them. */
export function createWindowHandlers(
  { message, restart, shell, info }: WindowServices,
  agent: () => Agent,
  possible: () => string[]
): Partial<Answerers<keyof typeof windowOperations>> {
  const actions = Object.entries(shell).map(([c, action]) => [
    c,
    (input: object) => (action as (command: Command, agent: () => Agent) => unknown)({ c, ...input } as Command, agent)
  ])
  return {
    'snapshot.get': () => message(),
    ...(restart && {
      'agent.restart': async () => {
        await restart()
        return {}
      }
    }),
    ...(Object.fromEntries(actions) as object),
    'app.info': () => ({ ...info, commands: possible() })
  }
}
