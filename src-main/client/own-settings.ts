import type { Settings } from '../contract/settings.ts'
import type { DataPaths } from '../lib/data-paths.ts'
import { loadSettings } from '../settings/load-settings.ts'
import { diskFiles } from '../settings/settings-files.ts'

/**
 * The settings a download without the agent goes by: those of this user and of the machine policy. A broken file counts as it
 * last was when an agent could read it, else as if it were not there; a download is not refused because of it.
 */
export function ownSettings(paths: DataPaths, policyFile?: string): Settings {
  return loadSettings(diskFiles(paths, policyFile)).settings
}
