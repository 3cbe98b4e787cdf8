import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { root } from '../steps.ts'
import { shippedPackages, thirdPartyLicenses } from './shipped-packages.ts'

interface Bom {
  readonly serialNumber: string
  readonly metadata: { readonly timestamp: string }
  readonly components: readonly { readonly name: string; readonly version: string; readonly 'bom-ref': string }[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[]
}

/** What npm knows of the tools is left out: some of its development's packages are in the window, most are not shipped. */
function only(shipped: ReadonlySet<string>, components: Bom['components'], dependencies: Bom['dependencies']) {
  const kept = components.filter(({ name, version }) => shipped.has(`${name}@${version}`))
  const refs = new Set(kept.map((one) => one['bom-ref']))
  return {
    components: kept,
    dependencies: dependencies
      .filter(({ ref }) => refs.has(ref))
      .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((one) => refs.has(one)) }))
  }
}

/** What is inside, from the lock file; a number and a time of its own at each run are left out. */
export function billOfMaterials(dateMs: number): string {
  const npm = process.env['npm_execpath']
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only']
  const text = npm
    ? execFileSync(process.execPath, [npm, ...args], { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
    : execFileSync('npm', args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  const { serialNumber: _, components, dependencies, ...bom } = JSON.parse(text) as Bom
  const shipped = new Set(shippedPackages().map(({ name, version }) => `${name}@${version}`))
  return `${JSON.stringify({ ...bom, metadata: { ...bom.metadata, timestamp: new Date(dateMs).toISOString() }, ...only(shipped, components, dependencies) }, undefined, 2)}\n`
}

/** Where electron-builder.yml takes them from for the packages of the tray application. */
export function writePapersOfApp(dateMs: number): void {
  writeFileSync(path.join(root, 'out', 'sbom.cdx.json'), billOfMaterials(dateMs))
  writeFileSync(path.join(root, 'out', 'third-party-licenses.txt'), thirdPartyLicenses())
}
