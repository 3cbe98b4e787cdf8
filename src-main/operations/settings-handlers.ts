import type { Agent } from '../agent/agent.ts'
import type { settingsOperations } from '../contract/operations/settings.ts'
import type { HandlersOf } from './handlers.ts'
import type { ProgramServices, SettingsDesk } from './operation-host.ts'
import { statusView } from './status-view.ts'

export function createSettingsHandlers(
  settings: SettingsDesk,
  programs: () => ProgramServices
): HandlersOf<keyof typeof settingsOperations> {
  const log = (agent: Agent) => ({ level: agent.settings.current.log.level, dir: programs().logDir })
  return {
    answers: {
      'integration.set': async ({ enabled, reason }, { agent, by }) => {
        await agent.setIntegration(enabled, changeOf(by, reason))
        return statusView(agent.snapshot())
      },
      'settings.list': () => ({ settings: settings.list(), problems: settings.problems() }),
      'settings.set': ({ name, value, reason }, { by }) => settings.set(name, value, changeOf(by, reason)),
      'settings.unset': ({ name, reason }, { by }) => settings.unset(name, changeOf(by, reason)),
      'log.get': (_input, { agent }) => log(agent),
      'log.set': ({ level }, { agent, by }) => {
        agent.settings.setForThisRun(new Map([['log.level', level]]), { by })
        return log(agent)
      },
      'ui.link': () => programs().uiLink()
    },
    streams: {},
    bytes: {}
  }
}

const changeOf = (by: string, reason: string | undefined) => ({ by, ...(reason !== undefined && { reason }) })
