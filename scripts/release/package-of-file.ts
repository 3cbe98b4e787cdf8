import type { PackageForm, ReleasePackage } from '../../src-main/updates/manifest.ts'

/**
 * Names of the packages that a manifest may name. The deb of the tray application is none of them: `larder-app` is another package than the
 * `larder` of the service, and installed in its place it would leave that as it is.
 */
const forms: readonly (readonly [RegExp, PackageForm])[] = [
  [/^larder_[^_]+_[^_]+\.deb$/, 'deb'],
  [/^larder-\d.*\.rpm$/, 'rpm'],
  [/^larder-\d.*\.msi$/, 'msi'],
  [/^Larder-Setup\.exe$/, 'nsis'],
  [/^larder-\d.*\.pkg$/, 'pkg'],
  [/^Larder-\d.*\.AppImage$/, 'appimage']
]

export const isPackage = (name: string): boolean => forms.some(([pattern]) => pattern.test(name))

/** What a package is, by its name. @throws for another kind of file */
export function packageOfFile(name: string): Pick<ReleasePackage, 'form' | 'arch'> {
  const form = forms.find(([pattern]) => pattern.test(name))?.[1]
  if (!form) throw new Error(`${name} is no package that an update installs`)
  return { form, arch: /arm64|aarch64/i.test(name) ? 'arm64' : 'x64' }
}
