import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { INSTALLER_HOME, installerFolder, outcomeIn } from '../../updates/installer-folder.ts'
import { releaseKeys } from '../../updates/release-keys.ts'
import type { PackageForm } from '../../updates/manifest.ts'
import type { InstallerDoor } from '../../updates/updater.ts'

/** The unit that wakes the installer; packages bring it along. */
const UNIT = '/usr/lib/systemd/system/larder-update.path'

/** Below the data folder of the agent of all users. */
export const spoolIn = (dataDir: string): string => join(dataDir, 'update')

/** How this PC got Larder; null: not from a package that can be replaced. */
export function installedForm(): Extract<PackageForm, 'deb' | 'rpm'> | null {
  if (!existsSync(UNIT)) return null
  return existsSync('/var/lib/dpkg/info/larder.list') ? 'deb' : 'rpm'
}

/** What installs new releases for the agent of all users; undefined: nobody. */
export function packageInstaller(dataDir: string): InstallerDoor | undefined {
  const form = installedForm()
  return form === null ? undefined : installerFolder(form, releaseKeys, spoolIn(dataDir), outcomeIn(INSTALLER_HOME))
}
