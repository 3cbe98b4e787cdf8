// npm run package -- deb|rpm|msi …: packages in dist/; deb and rpm of this machine's architecture.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { LARDER_VERSION } from '../src-main/contract/version.ts'
import { build } from './bundles.ts'
import { packDeb } from './package/deb.ts'
import { writeLinuxLayout } from './package/layout.ts'
import { packMsi, writeWindowsLayout } from './package/msi.ts'
import { packRpm } from './package/rpm.ts'
import { root } from './steps.ts'

const makers = {
  deb: packDeb,
  rpm: packRpm,
  msi(_layout: string, outDir: string, dateMs: number) {
    const dir = mkdtempSync(path.join(os.tmpdir(), 'larder-windows-'))
    try {
      writeWindowsLayout(dir, dateMs)
      const file = path.join(outDir, `larder-${LARDER_VERSION}-x64.msi`)
      packMsi(dir, file)
      return file
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  }
}
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !(name in makers))
if (wanted.length === 0 || unknown.length > 0 || process.platform !== 'linux') {
  process.stderr.write(
    process.platform === 'linux'
      ? `usage: npm run package -- ${Object.keys(makers).join('|')} …\n`
      : 'Packages are made on Linux, that of the tray application on each system (npm run package:app).\n'
  )
  process.exit(2)
}

if (!(await build('cli', { force: true })) || !(await build('renderer', { force: true }))) process.exit(1)
const outDir = path.join(root, 'dist')
mkdirSync(outDir, { recursive: true })
const layout = path.join(mkdtempSync(path.join(os.tmpdir(), 'larder-layout-')), 'root')
try {
  const dateMs = sourceDateMs()
  writeLinuxLayout(layout, dateMs)
  const files = wanted.map((name) => makers[name as keyof typeof makers](layout, outDir, dateMs))
  const sums = files.map(
    (file) => `${createHash('sha256').update(readFileSync(file)).digest('hex')}  ${path.basename(file)}`
  )
  writeFileSync(path.join(outDir, 'SHA256SUMS'), `${sums.join('\n')}\n`)
  process.stdout.write(`${files.map((file) => path.relative(root, file)).join('\n')}\n`)
} finally {
  rmSync(path.dirname(layout), { recursive: true, force: true })
}

/** Of the last commit, so that the same sources give the same package; now, where there is no repository. */
function sourceDateMs(): number {
  const given = process.env['SOURCE_DATE_EPOCH']
  if (given !== undefined) return Number(given) * 1000
  try {
    return Number(execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' })) * 1000
  } catch {
    return Date.now()
  }
}
