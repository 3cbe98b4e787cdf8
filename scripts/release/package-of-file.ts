import type { PackageForm, ReleasePackage } from '../../src-main/updates/manifest.ts'

const forms: readonly (readonly [RegExp, PackageForm])[] = [
  [/\.deb$/, 'deb'],
  [/\.rpm$/, 'rpm'],
  [/\.msi$/i, 'msi'],
  [/\.exe$/i, 'nsis'],
  [/\.pkg$/, 'pkg'],
  [/\.AppImage$/i, 'appimage']
]

export const isPackage = (name: string): boolean => forms.some(([pattern]) => pattern.test(name))

/** What a package is, by its name. @throws for another kind of file */
export function packageOfFile(name: string): Pick<ReleasePackage, 'form' | 'arch'> {
  const form = forms.find(([pattern]) => pattern.test(name))?.[1]
  if (!form) throw new Error(`${name} is no package of Larder`)
  return { form, arch: /arm64|aarch64/i.test(name) ? 'arm64' : 'x64' }
}
