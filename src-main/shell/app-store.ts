import ElectronStore from 'electron-store'
import { AppSettingsFile, appStoreOptions } from './app-settings-file.ts'

/** The application's own settings in the data folder, not where Electron would have them by itself. */
export function openAppSettings(dataDir: string): AppSettingsFile {
  return new AppSettingsFile(
    new ElectronStore<Record<string, unknown>>({ ...appStoreOptions, cwd: dataDir, name: 'app' })
  )
}
