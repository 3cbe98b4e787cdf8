import { app, dialog, powerSaveBlocker, session } from 'electron'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { runLocalAgent } from '../api/local-agent.ts'
import type { CreateAgent } from '../agent/agent.ts'
import { SNAPSHOT_CHANNEL } from '../contract/commands.ts'
import { LARDER_VERSION } from '../contract/version.ts'
import { systemClock } from '../lib/clock.ts'
import { dataPaths } from '../lib/data-paths.ts'
import { LarderError } from '../lib/errors.ts'
import { isMachineAgentThere, machinePlace } from '../lib/machine-place.ts'
import { personName } from '../lib/person-name.ts'
import { LiveSettings } from '../settings/live-settings.ts'
import { diskFiles } from '../settings/settings-files.ts'
import { releaseKeys } from '../updates/release-keys.ts'
import { AgentLife } from './agent-life.ts'
import { setAppMenu } from './app-menu.ts'
import { denyPermissions, serveBundle } from './app-scheme.ts'
import { APP_ID } from './app-id.ts'
import { openAppSettings } from './app-store.ts'
import { APP_ORIGIN } from './app-bundle.ts'
import { HIDDEN_FLAG } from './app-flags.ts'
import { AppUpdates } from './app-updates.ts'
import { AttachedEngine } from './attached-engine.ts'
import { createDefectTeller } from './defects.ts'
import type { Engine } from './engine.ts'
import { acceptCommands } from './ipc.ts'
import { isStartedAtLogin, setOpenAtLogin } from './login-item.ts'
import { MainWindow } from './main-window.ts'
import { Notices } from './notices.ts'
import { notify } from './notify.ts'
import { OwnEngine } from './own-engine.ts'
import { isOnBattery, watchPower } from './power.ts'
import { PowerPolicy } from './power-policy.ts'
import { AppBook, SettingsBook } from '../window/setting-views.ts'
import { createShellActions } from './shell-actions.ts'
import { AppTray } from './tray.ts'
import { trayMenu, type TrayAction } from './tray-menu.ts'
import { UnfinishedRequests } from './unfinished-requests.ts'
import { WakeLock } from './wake-lock.ts'

/** The agent may take this long to end; then the process leaves without it. Verified pieces are on the disk already. */
const STOP_DEADLINE_MS = 5000

export interface ShellOptions {
  readonly dataDir: string
  readonly createAgent: CreateAgent
  /** `out/`: has `preload/` and `renderer/`. */
  readonly bundleDir: string
  readonly assetsDir: string
  /** Where the agent of all users of the PC is looked for, instead of its place; null: nowhere. */
  readonly machinePlace?: string | null
  /** Instead of the machine's policy file. */
  readonly policyFile?: string
  /** Address of vite's development server, instead of the bundle. */
  readonly devUrl: string | undefined
  /** Whose releases of this application count, instead of those of the build. */
  readonly releaseKeys?: readonly string[]
}

/** What a test may reach of the shell. */
export interface StartedShell {
  readonly tray: AppTray
  readonly engine: Engine
  /** Of the agent inside the application; never started where it attaches to another. */
  readonly life: AgentLife
}

/** Puts the tray application together. Call after `ready`, in the first instance only. */
export function startShell(options: ShellOptions): StartedShell {
  const clock = systemClock
  const paths = dataPaths(options.dataDir)
  const origin = options.devUrl === undefined ? APP_ORIGIN : new URL(options.devUrl).origin
  const appSettings = openAppSettings(paths.root)
  let live: LiveSettings | undefined
  // Made when it is first needed: files that are broken from the beginning are a state to be shown.
  const agentSettings = () => (live ??= new LiveSettings({ files: diskFiles(paths, options.policyFile), clock }))
  const settings = new SettingsBook(agentSettings, appSettings)
  const logDefect = (what: string, error: unknown): void => console.error(`larder: ${what}:`, error)
  const attempt = (what: string, step: () => unknown): void => {
    void (async () => step())().catch((error: unknown) => {
      if (!(error instanceof LarderError)) logDefect(what, error)
    })
  }

  let quitting = false
  let agentEnded = false
  const window = new MainWindow({
    preload: join(options.bundleDir, 'preload', 'preload.cjs'),
    origin,
    icon: process.platform === 'linux' ? join(options.assetsDir, 'icon.png') : undefined,
    isQuitting: () => quitting
  })

  serveBundle(join(options.bundleDir, 'renderer'))
  denyPermissions()
  setAppMenu()

  const actions = createShellActions({
    logDir: paths.log,
    downloadsDir: app.getPath('downloads'),
    window: () => window.current,
    quit: () => app.quit()
  })
  const { node, chrome = '', electron = '' } = process.versions as Partial<NodeJS.ProcessVersions> & { node: string }
  const shared = {
    shell: actions,
    info: {
      version: LARDER_VERSION,
      runtime: 'app' as const,
      platform: process.platform,
      versions: { node, chrome, electron },
      dataDir: paths.root,
      logDir: paths.log
    },
    clock,
    onDefect: logDefect
  }
  const updates = new AppUpdates({
    dataDir: paths.root,
    clock,
    keys: options.releaseKeys ?? releaseKeys,
    isPackaged: app.isPackaged || options.releaseKeys !== undefined,
    windowIsVisible: () => window.isVisible,
    openDownloads: () => engine.newest.snapshot?.requests.filter(({ finishedAt }) => finishedAt === null).length ?? 0
  })
  const life = new AgentLife(async () => {
    agentSettings().begin()
    return runLocalAgent({
      dataDir: paths.root,
      settings: agentSettings(),
      createAgent: options.createAgent,
      clock,
      installer: await updates.door(),
      systemProxy: (url) => session.defaultSession.resolveProxy(url)
    })
  }, clock)
  const ownEngine = (): Engine =>
    new OwnEngine({
      ...shared,
      life,
      unfinished: new UnfinishedRequests(join(paths.root, 'requests.json'), (error) =>
        logDefect('keep requested contents', error)
      ),
      settings,
      person: personName(),
      started: () => power.agentStarted(isOnBattery())
    })
  const attachedEngine = (place: string): Engine => {
    // Folders of the machine agent are not this user's to open.
    const { 'shell.openCacheFolder': _cache, 'shell.openLogFolder': _log, ...shell } = actions
    return new AttachedEngine({
      ...shared,
      shell,
      appSettings: new AppBook(appSettings),
      detect: { machinePlace: place }
    })
  }
  const place = options.machinePlace === undefined ? machinePlace() : options.machinePlace
  const engine = place !== null && isMachineAgentThere(place) ? attachedEngine(place) : ownEngine()
  acceptCommands(engine.dispatch, origin)

  const act = (action: TrayAction): void => {
    switch (action.do) {
      case 'open':
        return window.open()
      case 'open-logs':
        return attempt('open the log folder', () =>
          actions['shell.openLogFolder']({ c: 'shell.openLogFolder' }, () => engine.ownAgent!)
        )
      case 'quit':
        return app.quit()
      default:
        return attempt(action.do, () => engine.act(action))
    }
  }
  const view = () => trayMenu(engine.status, engine.newest.snapshot)
  const tray = new AppTray(join(options.assetsDir, 'tray'), view(), act)
  const next = engine.reader()
  const push = (): void => window.send(SNAPSHOT_CHANNEL, next)
  window.onShown = () => void engine.message()
  engine.on('changed', () => {
    tray.show(view())
    push()
  })

  const notices = new Notices(clock, (notice) => notify(notice, () => window.open()))
  engine.on('event', (event) => {
    if (appSettings.values.notifications) notices.add(event)
  })

  const power = new PowerPolicy({
    agent: () => engine.ownAgent,
    pauseOnBattery: () => appSettings.values.pauseOnBattery,
    clock
  })
  watchPower(power, () => app.quit())
  const wake = new WakeLock(powerSaveBlocker)
  engine.on('changed', () => wake.follow(engine.ownAgent && engine.newest.snapshot, power.onBattery))

  const applyLogin = (openAtLogin: boolean) => attempt('start at login', () => setOpenAtLogin(APP_ID, openAtLogin))
  // What is not installed does not put itself into anybody's login.
  if (app.isPackaged) applyLogin(appSettings.values.openAtLogin)
  appSettings.on('changed', ({ openAtLogin, notifications }) => {
    if (app.isPackaged) applyLogin(openAtLogin)
    if (!notifications) notices.clear()
    power.settingChanged()
  })

  app.on('second-instance', (_event, argv) => {
    if (!argv.includes(HIDDEN_FLAG)) window.open()
  })
  app.on('activate', () => window.open())
  app.on('before-quit', (event) => {
    quitting = true
    if (agentEnded) return
    event.preventDefault()
    void engine.stop(STOP_DEADLINE_MS).then(() => {
      agentEnded = true
      app.quit()
    })
  })
  // Windows waits for nobody here: the agent is made to survive it. Somebody may still stop the session's end.
  window.onSessionMayEnd = () => power.suspended()
  window.onSessionEnd = () => void engine.stop(STOP_DEADLINE_MS)

  if (!isStartedAtLogin()) window.open()
  void engine.start()
  return { tray, engine, life }
}

/** For an error nobody caught: the application goes on, the person is told once. @param dataDir where it is kept */
export function tellDefects(dataDir: string): void {
  // A terminal that has been closed must not end what was started from it.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  const tell = createDefectTeller({
    say: (text) => console.error('larder: unexpected error:', text),
    keep: (text) =>
      appendFileSync(join(dataDir, 'defects.log'), `${new Date().toISOString()} ${text}\n`, { mode: 0o600 }),
    // No `showErrorBox`: it stands still, and the agent with it, until somebody clicks.
    show: (message) =>
      void dialog
        .showMessageBox({
          type: 'error',
          message: 'Larder ran into an unexpected error',
          detail: `${message}\n\nIt is still running, but you should quit and restart it.`
        })
        .catch(() => {})
  })
  process.on('uncaughtException', tell)
}
