import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { Agent, Log } from '../agent/agent.ts'
import type { UiLinkView } from '../contract/api.ts'
import { UI_PATH } from '../contract/ui.ts'
import type { Clock } from '../lib/clock.ts'
import type { DataPaths } from '../lib/data-paths.ts'
import { LarderError } from '../lib/errors.ts'
import { personName } from '../lib/person-name.ts'
import type { SettingsDesk } from '../operations/operation-host.ts'
import { LINK_VALID_MS, UiSessions } from './ui-sessions.ts'
import { openWindowView, type WindowView } from './user-windows.ts'

/** What a headless agent needs to show its window in a browser. */
export interface UiOptions {
  /** Folder with the built page. */
  readonly rendererDir: string
  readonly settings: SettingsDesk
}

/** The window as browsers get it. */
export interface Ui extends WindowView {
  readonly rendererDir: string
  readonly sessions: UiSessions
}

/** @throws SETTINGS_INVALID when the page has not been built */
export async function openUi(
  { rendererDir, settings }: UiOptions,
  agent: Agent,
  paths: DataPaths,
  clock: Clock,
  log: Log
): Promise<Ui> {
  await access(join(rendererDir, 'index.html')).catch((cause: unknown) => {
    throw new LarderError(
      'SETTINGS_INVALID',
      `ui.browser is on, but the page of the window is not in ${rendererDir}; \`npm run build\` makes it`,
      { setting: 'ui.browser', cause }
    )
  })
  const view = openWindowView({ agent, settings, paths, clock, log }, `${personName()} in the browser`)
  return { rendererDir, sessions: await UiSessions.open(clock, paths.uiSessions), ...view }
}

/** @throws NOT_FOUND when this agent serves no window */
export function uiLinkTo(ui: Ui | undefined, port: number): UiLinkView {
  if (!ui)
    throw new LarderError('NOT_FOUND', 'This agent serves no window to browsers; start it with `larder agent --ui`')
  return { url: `http://127.0.0.1:${port}${UI_PATH}#link=${ui.sessions.issueLink()}`, validMs: LINK_VALID_MS }
}
