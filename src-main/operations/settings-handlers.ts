import type { settingsOperations } from '../contract/operations/settings.ts'
import type { HandlersOf } from './handlers.ts'
import type { ProgramServices, SettingsDesk } from './operation-host.ts'
import { statusView } from './status-view.ts'

export function createSettingsHandlers(
  settings: SettingsDesk,
  programs: () => ProgramServices
): HandlersOf<keyof typeof settingsOperations> {
  const log = () => ({ level: programs().logLevel.get(), dir: programs().logDir })
  return {
    answers: {
      'integration.set': async ({ enabled, reason }, { agent, by }) => {
        await agent.setIntegration(enabled, changeOf(by, reason))
        return statusView(agent.snapshot())
      },
      'settings.list': () => ({ settings: settings.list(), problems: settings.problems() }),
      'settings.set': ({ name, value, reason }, { by }) => settings.set(name, value, changeOf(by, reason)),
      'settings.unset': ({ name, reason }, { by }) => settings.unset(name, changeOf(by, reason)),
      'log.get': log,
      'log.set': ({ level }) => {
        programs().logLevel.set(level)
        return log()
      },
      'ui.link': () => programs().uiLink()
    },
    streams: {},
    bytes: {}
  }
}

const changeOf = (by: string, reason: string | undefined) => ({ by, ...(reason !== undefined && { reason }) })
