import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Writable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { addCompletion } from '../../src-main/cli/completion.ts'
import { Output } from '../../src-main/cli/output.ts'
import { buildProgram } from '../../src-main/cli/program.ts'
import { systemdUnit, updatePathUnit, updateUnit } from '../../src-main/cli/service/systemd-unit.ts'
import { LARDER_VERSION } from '../../src-main/contract/version.ts'
import { root } from '../steps.ts'
import { billOfMaterials } from './bill-of-materials.ts'
import { shippedPackages, thirdPartyLicenses } from './shipped-packages.ts'
import { everyCommand, fullName, manPage } from './man-page.ts'

/** The Node that package-lock.json pins. */
const pinnedNode = path.join(root, 'node_modules', 'node', 'bin', 'node')

/** Where each file comes from that is shipped as it is: place on the PC → source in `packaging/linux`. */
const shipped: Readonly<Record<string, string>> = {
  'usr/lib/sysusers.d/larder.conf': 'larder.sysusers',
  'usr/lib/firewalld/services/larder.xml': 'larder.firewalld.xml',
  'etc/ufw/applications.d/larder': 'larder.ufw',
  'etc/default/larder': 'larder.default'
}

/** Files that belong to the administrator once they are there. */
export const conffiles: readonly string[] = ['/etc/default/larder', '/etc/ufw/applications.d/larder']

/**
 * Puts everything that a Linux package installs into `dir`, as it will lie below `/`. The bundles must have been built.
 * @param dateMs of the sources: the same sources give the same bytes
 */
export function writeLinuxLayout(dir: string, dateMs: number): void {
  rmSync(dir, { recursive: true, force: true })
  const put = (place: string, data: string | Buffer, mode = 0o644) => {
    const file = path.join(dir, place)
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, data, { mode })
    chmodSync(file, mode)
  }
  const source = (name: string) => readFileSync(path.join(root, 'packaging', 'linux', name))

  mkdirSync(path.join(dir, 'usr/lib/larder'), { recursive: true })
  copyFileSync(pinnedNode, path.join(dir, 'usr/lib/larder/node'))
  chmodSync(path.join(dir, 'usr/lib/larder/node'), 0o755)
  cpSync(path.join(root, 'out/cli'), path.join(dir, 'usr/lib/larder/cli'), { recursive: true })
  cpSync(path.join(root, 'out/renderer'), path.join(dir, 'usr/lib/larder/renderer'), { recursive: true })
  // The bundle is ES modules in `.js` files.
  put('usr/lib/larder/package.json', `${JSON.stringify({ name: 'larder', version: LARDER_VERSION, type: 'module' })}\n`)
  put('usr/bin/larder', source('larder.sh'), 0o755)
  for (const [place, name] of Object.entries(shipped)) put(place, source(name))
  put('usr/lib/systemd/system/larder.service', systemdUnit({ command: ['/usr/bin/larder'], user: 'larder' }))
  put('usr/lib/systemd/system/larder-update.path', updatePathUnit)
  put('usr/lib/systemd/system/larder-update.service', updateUnit)

  const date = new Date(dateMs).toISOString().slice(0, 10)
  const program = programWithCompletion()
  for (const command of everyCommand(program))
    put(
      `usr/share/man/man1/${fullName(command).replaceAll(' ', '-')}.1.gz`,
      gzipSync(manPage(command, { version: LARDER_VERSION, date }), { level: 9 })
    )
  put('usr/share/bash-completion/completions/larder', completionScript('bash'))
  put('usr/share/zsh/vendor-completions/_larder', completionScript('zsh'))
  put('usr/share/fish/vendor_completions.d/larder.fish', completionScript('fish'))

  const doc = 'usr/share/doc/larder'
  put(`${doc}/copyright`, copyright())
  put(`${doc}/third-party-licenses.gz`, gzipSync(thirdPartyLicenses(), { level: 9 }))
  put(`${doc}/sbom.cdx.json`, billOfMaterials(dateMs))
  put(`${doc}/changelog.gz`, gzipSync(changelog(dateMs), { level: 9 }))
  cpSync(path.join(root, 'docs/reference/policy.schema.json'), path.join(dir, doc, 'policy.schema.json'))
}

function programWithCompletion() {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const program = buildProgram(new Output(false, { stdout: nowhere, stderr: nowhere }))
  addCompletion(program)
  return program
}

function completionScript(shell: 'bash' | 'zsh' | 'fish'): string {
  return execFileSync(process.execPath, [path.join(root, 'out/cli/larder.js'), 'completion', shell], {
    encoding: 'utf8'
  })
}

/** As Debian reads it; rpm has none. */
const changelog = (dateMs: number): string =>
  `larder (${LARDER_VERSION}) stable; urgency=medium\n\n  * See the release notes.\n\n -- The Larder authors <larder@localhost>  ${new Date(dateMs).toUTCString().replace('GMT', '+0000')}\n`

function copyright(): string {
  const licenses = [...new Set(shippedPackages().map(({ license }) => license.replace(/[()]/g, '')))]
    .sort()
    .join(' and ')
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Larder

Files: *
Copyright: The Larder authors
License: Apache-2.0
 On Debian systems the full text is in /usr/share/common-licenses/Apache-2.0.

Files: usr/lib/larder/node
Copyright: Node.js contributors
License: MIT
 Node.js ${process.version}. Its licence file and those of all packages of npm that
 are built into the other files lie beside this file: third-party-licenses.gz.

Files: usr/lib/larder/cli/* usr/lib/larder/renderer/*
Copyright: The Larder authors, and those of the packages that are built into it
License: ${licenses}
 See third-party-licenses.gz.
`
}
