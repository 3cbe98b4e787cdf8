import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync, copyFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { LARDER_VERSION } from '../../src-main/contract/version.ts'
import { root } from '../steps.ts'
import { architectures } from './deb.ts'
import { conffiles } from './layout.ts'

/** Makes an .rpm of a layout with `rpmbuild`. @returns the file */
export function packRpm(layout: string, outDir: string, dateMs: number): string {
  const arch = architectures[process.arch]!.rpm
  const work = mkdtempSync(path.join(os.tmpdir(), 'larder-rpm-'))
  try {
    const spec = path.join(work, 'larder.spec')
    writeFileSync(spec, specOf(layout))
    execFileSync(
      'rpmbuild',
      [
        '-bb',
        '--quiet',
        '--target',
        `${arch}-linux`,
        '--define',
        `_topdir ${work}/top`,
        '--define',
        `layout ${layout}`,
        spec
      ],
      {
        env: { ...process.env, SOURCE_DATE_EPOCH: String(Math.floor(dateMs / 1000)) },
        stdio: ['ignore', 'ignore', 'inherit']
      }
    )
    const name = `larder-${LARDER_VERSION}-1.${arch}.rpm`
    copyFileSync(path.join(work, 'top/RPMS', arch, name), path.join(outDir, name))
    return path.join(outDir, name)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function specOf(layout: string): string {
  const script = (name: string) =>
    readFileSync(path.join(root, 'packaging', 'linux', name), 'utf8')
      .replace('#!/bin/sh\n', '')
      .trim()
  // A folder that no package owns is left behind; one that others have too is theirs as well.
  const folders = readdirSync(layout, { recursive: true, encoding: 'utf8' })
    .filter((name) => /^(usr\/lib\/(larder|firewalld)|usr\/share\/(doc\/larder|fish)|etc\/ufw)(\/|$)/.test(name))
    .filter((name) => statSync(path.join(layout, name)).isDirectory())
    .map((name) => `%dir /${name}`)
    .sort()
  const files = readdirSync(layout, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.startsWith('DEBIAN') && statSync(path.join(layout, name)).isFile())
    .map((name) => `/${name}`)
    .sort()
    .map((name) => (conffiles.includes(name) ? `%config(noreplace) ${name}` : name))
  return `Name: larder
Version: ${LARDER_VERSION}
Release: 1
Summary: Makes a file cross the WAN once per site instead of once per PC
License: Apache-2.0 AND MIT
Requires(post): systemd
# Node comes as it is: nothing of it is stripped, and nobody else may use it.
%global __os_install_post %{nil}
%global debug_package %{nil}
%global _build_id_links none
AutoReqProv: no
Requires: glibc >= 2.28, libstdc++
%description
A program asks the agent on its own PC for a URL. The agents of the site elect one that downloads it; the others take verified
pieces from each other while it is still downloading.
%install
cp -a %{layout}/. %{buildroot}/
rm -rf %{buildroot}/DEBIAN
%post
${script('postinst')}
%preun
${script('prerm')}
%postun
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
fi
%files
%defattr(-,root,root)
${folders.join('\n')}
${files.join('\n')}
`
}
