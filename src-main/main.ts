import { app } from 'electron'
import { join } from 'node:path'
import { createAgent } from './agent/create-agent.ts'
import { defaultDataDir } from './lib/data-paths.ts'
import { keepYoungHeapSmall } from './lib/small-heap.ts'
import { startShell, tellDefects } from './shell/app.ts'
import { APP_ID } from './shell/app-id.ts'
import { registerAppScheme } from './shell/app-scheme.ts'

/** `npm run dev` starts the next instance while the last one is still ending. */
const DEV_LOCK_MS = 10_000
const DEV_LOCK_EVERY_MS = 100

const devUrl = app.isPackaged ? undefined : process.env['ELECTRON_RENDERER_URL']
keepYoungHeapSmall()
const dataDir = defaultDataDir()
app.setName('Larder')
app.setAppUserModelId(APP_ID)
// One instance per data folder: the lock lies in `userData`.
app.setPath('userData', join(dataDir, 'app'))
registerAppScheme()
tellDefects(dataDir)
// Listening keeps the application in the tray when its window is gone.
app.on('window-all-closed', () => {})

if (app.requestSingleInstanceLock()) start()
else if (devUrl !== undefined) startWhenAlone()
else app.quit()

/** The end-to-end tests put a machine agent of their own somewhere; nothing else moves its place. */
function e2ePlace(): string | null {
  return (!app.isPackaged && process.env['LARDER_E2E'] === '1' && process.env['LARDER_E2E_PLACE']) || null
}

/** Those of a trial; nothing else is ever put in the place of the build's. */
function e2eReleaseKeys(): readonly string[] | undefined {
  if (app.isPackaged || process.env['LARDER_E2E'] !== '1') return undefined
  return process.env['LARDER_E2E_RELEASE_KEYS']?.split(',')
}

function start(): void {
  // Never awaited at the top level: `ready` waits for this module to end.
  void app.whenReady().then(() => {
    const assetsDir = app.isPackaged ? join(process.resourcesPath, 'assets') : join(app.getAppPath(), 'assets')
    const shell = startShell({
      dataDir,
      createAgent,
      bundleDir: join(import.meta.dirname, '..'),
      assetsDir,
      devUrl,
      ...(e2eReleaseKeys() && { releaseKeys: e2eReleaseKeys()! }),
      // A named data folder means the agent of that folder.
      ...(process.env['LARDER_DATA_DIR'] && { machinePlace: e2ePlace() })
    })
    // A tray cannot be found from outside; the end-to-end tests get it here.
    if (!app.isPackaged && process.env['LARDER_E2E'] === '1') Object.assign(globalThis, { larderE2e: shell })
  })
}

function startWhenAlone(): void {
  const untilMs = performance.now() + DEV_LOCK_MS
  const timer = setInterval(() => {
    const alone = app.requestSingleInstanceLock()
    if (!alone && performance.now() < untilMs) return
    clearInterval(timer)
    if (alone) start()
    else app.quit()
  }, DEV_LOCK_EVERY_MS)
}
