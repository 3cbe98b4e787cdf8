import { app } from 'electron'
import { join } from 'node:path'
import { createAgent } from './agent/create-agent.ts'
import { defaultDataDir } from './lib/data-paths.ts'
import { keepYoungHeapSmall } from './lib/small-heap.ts'
import { APP_ID, startShell, tellDefects } from './shell/app.ts'
import { registerAppScheme } from './shell/app-scheme.ts'

keepYoungHeapSmall()
const dataDir = defaultDataDir()
app.setName('Larder')
app.setAppUserModelId(APP_ID)
// One instance per data folder: the lock lies in `userData`.
app.setPath('userData', join(dataDir, 'app'))
registerAppScheme()
tellDefects()

if (!app.requestSingleInstanceLock()) {
  app.quit()
} else {
  // Listening keeps the application in the tray when its window is gone.
  app.on('window-all-closed', () => {})
  // Never awaited here: `ready` waits for this module to end.
  void app.whenReady().then(() => {
    const assetsDir = app.isPackaged ? join(process.resourcesPath, 'assets') : join(app.getAppPath(), 'assets')
    const devUrl = app.isPackaged ? undefined : process.env['ELECTRON_RENDERER_URL']
    const shell = startShell({ dataDir, createAgent, bundleDir: join(import.meta.dirname, '..'), assetsDir, devUrl })
    // A tray cannot be found from outside; the end-to-end tests get it here.
    if (!app.isPackaged && process.env['LARDER_E2E'] === '1') Object.assign(globalThis, { larderE2e: shell })
  })
}
