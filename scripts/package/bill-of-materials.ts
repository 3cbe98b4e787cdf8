import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { root } from '../steps.ts'

/** What is inside, from the lock file; a number and a time of its own at each run are left out. */
export function billOfMaterials(dateMs: number): string {
  const npm = process.env['npm_execpath']
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev', '--package-lock-only']
  const text = npm
    ? execFileSync(process.execPath, [npm, ...args], { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
    : execFileSync('npm', args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  const { serialNumber: _, ...bom } = JSON.parse(text) as { serialNumber: string; metadata: { timestamp: string } }
  return `${JSON.stringify({ ...bom, metadata: { ...bom.metadata, timestamp: new Date(dateMs).toISOString() } }, undefined, 2)}\n`
}

/** Where electron-builder.yml takes it from for the packages of the tray application. */
export function writeBillOfMaterials(dateMs: number): void {
  writeFileSync(path.join(root, 'out', 'sbom.cdx.json'), billOfMaterials(dateMs))
}
