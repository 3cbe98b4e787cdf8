import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readBoundedFile } from '../lib/bounded-file.ts'
import { lookAtFiles } from '../lib/look-at-files.ts'
import { writeBeside } from '../lib/write-beside.ts'
import type { PackageForm, ReleasePackage } from './manifest.ts'
import { Outcome } from './update-machine.ts'
import type { InstallerDoor } from './updater.ts'

/** Where the installer, root, keeps what it believes and tells what it has done. */
export const INSTALLER_HOME = '/var/lib/larder-update'
export const outcomeIn = (home: string): string => join(home, 'outcome.json')

const MAX_OUTCOME_BYTES = 16 * 1024

/** Names in the folder through which the agent gives an update to the installer; nothing in it is believed there. */
export const handedOver = {
  manifest: 'manifest.json',
  package: ({ sha256, form }: ReleasePackage): string => `${sha256}.${form}`,
  /** Written last; the unit of the installer watches it. */
  ready: 'ready'
} as const

/** @throws when there is none, or none that can be read */
export async function readOutcome(file: string): Promise<Outcome> {
  const bytes = await readBoundedFile(file, MAX_OUTCOME_BYTES)
  return Outcome.parse(JSON.parse(bytes.toString('utf8')))
}

/** @param outcomeFile written by the installer alone */
export function installerFolder(
  form: PackageForm,
  keys: readonly string[],
  folder: string,
  outcomeFile: string
): InstallerDoor {
  return {
    form,
    keys,
    goesBack: true,
    isWaiting: () => false,
    outcome: () => readOutcome(outcomeFile),
    watch: (onChange) => lookAtFiles(() => [outcomeFile], onChange),
    async handOver(manifest, packages) {
      await rm(folder, { recursive: true, force: true })
      await mkdir(folder, { recursive: true, mode: 0o700 })
      for (const one of packages) {
        const file = await open(join(folder, handedOver.package(one.about)), 'wx', 0o600)
        try {
          for await (const chunk of one.chunks()) await file.writeFile(chunk)
          await file.sync()
        } finally {
          await file.close()
        }
      }
      const put = (name: string, data: string | Uint8Array) => writeBeside(join(folder, name), data, async () => {})
      await put(handedOver.manifest, manifest)
      await put(handedOver.ready, '')
    },
    clear: () => rm(folder, { recursive: true, force: true })
  }
}
