import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { Agent, Log } from '../agent/agent.ts'
import type { UiLinkView } from '../contract/api.ts'
import type { AgentStatus } from '../contract/commands.ts'
import { UI_PATH } from '../contract/ui.ts'
import { LARDER_VERSION } from '../contract/version.ts'
import type { Clock } from '../lib/clock.ts'
import type { DataPaths } from '../lib/data-paths.ts'
import { LarderError } from '../lib/errors.ts'
import { personName } from '../lib/person-name.ts'
import type { SettingsDesk } from '../operations/operation-host.ts'
import { createDispatch, type Dispatch } from '../window/dispatch.ts'
import { SnapshotFeed, type SnapshotReader } from '../window/snapshot-feed.ts'
import { LINK_VALID_MS, UiSessions } from './ui-sessions.ts'

/** What a headless agent needs to show its window in a browser. */
export interface UiOptions {
  /** Folder with the built page. */
  readonly rendererDir: string
  readonly settings: SettingsDesk
}

/** The window as browsers get it. */
export interface Ui {
  readonly rendererDir: string
  readonly sessions: UiSessions
  /** What one page is sent, beginning with how the agent is now. */
  reader(): SnapshotReader
  /** Calls back at each change, at most ten times a second. @returns how to end it */
  follow(listener: () => void): () => void
  /** Carries out a command of a page that has a session. */
  command(input: unknown): ReturnType<Dispatch>
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
  const status = (): AgentStatus => ({ state: agent.snapshot().state === 'running' ? 'running' : 'stopping' })
  const feed = new SnapshotFeed(clock, () => ({ status: status(), snapshot: agent.snapshot() }))
  agent.cache.on('verifying', (progress) => feed.setVerifying(progress))
  // The agent makes snapshots for whoever listens; with no window open that is nobody.
  const follow = (listener: () => void): (() => void) => {
    if (feed.listenerCount('changed') === 0) agent.on('snapshot', feed.noteChange)
    feed.on('changed', listener)
    return () => {
      feed.off('changed', listener)
      if (feed.listenerCount('changed') === 0) agent.off('snapshot', feed.noteChange)
    }
  }
  const dispatch = createDispatch({
    source: {
      agent: () => agent,
      message: () => feed.message()
    },
    settings,
    // A browser may be on another desktop than the agent, or on none: nothing of it is touched from here.
    shell: {},
    info: {
      version: LARDER_VERSION,
      runtime: 'browser',
      platform: process.platform,
      versions: { node: process.versions.node },
      dataDir: paths.root,
      logDir: paths.log
    },
    clock,
    onDefect: (command, err) => log.error({ err, command }, 'a command of the window failed')
  })
  const by = `${personName()} in the browser`
  return {
    rendererDir,
    sessions: await UiSessions.open(clock, paths.uiSessions),
    reader: () => {
      feed.message()
      return feed.reader()
    },
    follow,
    command: (input) => dispatch(input, by)
  }
}

/** @throws NOT_FOUND when this agent serves no window */
export function uiLinkTo(ui: Ui | undefined, port: number): UiLinkView {
  if (!ui)
    throw new LarderError('NOT_FOUND', 'This agent serves no window to browsers; start it with `larder agent --ui`')
  return { url: `http://127.0.0.1:${port}${UI_PATH}#link=${ui.sessions.issueLink()}`, validMs: LINK_VALID_MS }
}
