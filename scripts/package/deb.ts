import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { LARDER_VERSION } from '../../src-main/contract/version.ts'
import { root } from '../steps.ts'
import { conffiles } from './layout.ts'

/** Names of this machine's architecture in each world. */
export const architectures: Readonly<Record<string, { deb: string; rpm: string }>> = {
  x64: { deb: 'amd64', rpm: 'x86_64' },
  arm64: { deb: 'arm64', rpm: 'aarch64' }
}

/** Makes a .deb of a layout with `dpkg-deb`. @returns the file */
export function packDeb(layout: string, outDir: string, dateMs: number): string {
  const arch = architectures[process.arch]!.deb
  const control = path.join(layout, 'DEBIAN')
  mkdirSync(control, { recursive: true })
  writeFileSync(
    path.join(control, 'control'),
    `Package: larder
Version: ${LARDER_VERSION}
Architecture: ${arch}
Maintainer: The Larder authors <larder@localhost>
Installed-Size: ${Math.ceil(bytesOf(layout) / 1024)}
Depends: libc6 (>= 2.28), libstdc++6 (>= 8), systemd | adduser
Section: net
Priority: optional
Description: makes a file cross the WAN once per site instead of once per PC
 A program asks the agent on its own PC for a URL. The agents of the site elect
 one that downloads it; the others take verified pieces from each other while
 it is still downloading. Holds the larder command, the agent as a service
 for all users of the PC, manual pages and shell completion.
`
  )
  writeFileSync(path.join(control, 'conffiles'), `${conffiles.join('\n')}\n`)
  for (const name of ['postinst', 'prerm', 'postrm']) {
    copyFileSync(path.join(root, 'packaging', 'linux', name), path.join(control, name))
    chmodSync(path.join(control, name), 0o755)
  }
  const file = path.join(outDir, `larder_${LARDER_VERSION}_${arch}.deb`)
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '-z4', '--build', layout, file], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(Math.floor(dateMs / 1000)) },
    stdio: ['ignore', 'ignore', 'inherit']
  })
  return file
}

function bytesOf(dir: string): number {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .map((name) => lstatSync(path.join(dir, name)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0)
}
