import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { root } from '../steps.ts'

/** What the pages of the window are built of, beside the dependencies of package.json; `layers.test.ts` keeps others out of them. */
export const rendererPackages: readonly string[] = [
  'react',
  'react-dom',
  '@fluentui/react-components',
  '@fluentui/react-icons',
  'uplot',
  'zustand',
  '@tanstack/react-virtual',
  'eventsource-parser',
  'zod'
]

interface Locked {
  readonly version: string
  readonly license?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

export interface ShippedPackage {
  readonly name: string
  readonly version: string
  readonly license: string
  /** Below the root. */
  readonly folder: string
}

/** Every package of npm that is in what is shipped, by name and version, from the lock file. */
export function shippedPackages(): ShippedPackage[] {
  const { packages } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, Locked>>
  }
  const found = new Map<string, ShippedPackage>()
  const visit = (name: string, from: string): void => {
    const folder = folderOf(packages, name, from)
    if (folder === null || found.has(folder)) return
    const { version, license, dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } =
      packages[folder]!
    found.set(folder, { name, version, license: license ?? 'unknown', folder })
    const peers = Object.keys(peerDependencies ?? {}).filter((peer) => !peerDependenciesMeta?.[peer]?.optional)
    for (const next of [...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers]) visit(next, folder)
  }
  for (const name of [...Object.keys(packages['']!.dependencies ?? {}), ...rendererPackages]) visit(name, '')
  return [...found.values()].toSorted((a, b) => (a.folder < b.folder ? -1 : 1))
}

/** As Node looks for a package: in its own folder first, then further up. */
function folderOf(packages: Readonly<Record<string, Locked>>, name: string, from: string): string | null {
  for (let place = from; ; place = place.slice(0, Math.max(0, place.lastIndexOf('/node_modules/')))) {
    const folder = `${place === '' ? '' : `${place}/`}node_modules/${name}`
    if (folder in packages) return folder
    if (place === '') return null
  }
}

/** The licences of all that is shipped beside Larder's own, as their authors have written them. */
export function thirdPartyLicenses(): string {
  const node = readFileSync(path.join(root, 'packaging', 'licenses', `node-${process.versions.node}.txt`), 'utf8')
  const parts = shippedPackages().map(
    ({ name, version, license, folder }) => [`${name} ${version} (${license})`, textOf(folder) ?? license] as const
  )
  const line = '='.repeat(80)
  return [[`Node.js ${process.version}`, node] as const, ...parts]
    .map(([title, text]) => `${line}\n${title}\n${line}\n\n${text.trim()}\n`)
    .join('\n')
}

/** Null: the package has none with it. */
export function textOf(folder: string): string | null {
  const dir = path.join(root, folder)
  if (!existsSync(dir)) return null
  const name = readdirSync(dir).find((one) => /^(licen[sc]e|copying)([-.].*)?$/i.test(one))
  return name === undefined ? null : readFileSync(path.join(dir, name), 'utf8')
}
