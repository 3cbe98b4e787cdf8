import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { APP_ID } from '../src-main/shell/app-id.ts'
import { parsePolicy } from '../src-main/settings/policy-file.ts'
import { parseUserSettings } from '../src-main/settings/user-file.ts'

const script = readFileSync(path.join(path.dirname(import.meta.dirname), 'assets', 'installer.nsh'), 'utf8')
/** What the installer writes into a file. */
const textFor = (file: string) => new RegExp(`"${file.replace('.', '\\.')}" '(\\{.*\\})'`).exec(script)![1]!

test('the policy the installer writes recommends the integration off, so that helpdesk may turn it on', () => {
  const policy = parsePolicy(textFor('policy.json'))
  expect(
    policy.ok && [
      policy.value.by,
      Object.fromEntries(policy.value.recommended),
      policy.value.values.size,
      policy.value.locked.size,
      policy.value.unknown
    ]
  ).toEqual(['the installer', { 'integration.enabled': false }, 0, 0, []])
})

test('the settings the installer writes turn the integration off', () => {
  const settings = parseUserSettings(textFor('settings.json'))
  expect(settings.ok && Object.fromEntries(settings.value.values)).toEqual({ 'integration.enabled': false })
})

/** What electron-builder puts around `installer.nsh`, as far as it uses it. */
const harness = (include: string, out: string) => `
!include LogicLib.nsh
!include FileFunc.nsh
!insertmacro GetParameters
!insertmacro GetOptions
!macro _isUpdated _a _b _t _f
  StrCmp $installMode "updated" \`\${_t}\` \`\${_f}\`
!macroend
!define isUpdated \`"" isUpdated ""\`
Name "Larder"
OutFile "${out}"
Unicode true
Var installMode
!include "${include}"
Section
  StrCpy $installMode "all"
  !insertmacro customInstall
  WriteUninstaller "$TEMP\\uninstall.exe"
SectionEnd
Section "Uninstall"
  !insertmacro customUnInstall
SectionEnd
`

test('the script of the Windows installer compiles without a warning', ({ skip }) => {
  skip(spawnSync('makensis', ['-VERSION']).status !== 0, 'NSIS is not installed')
  const dir = mkdtempSync(path.join(tmpdir(), 'larder-nsis-'))
  try {
    const file = path.join(dir, 'harness.nsi')
    writeFileSync(
      file,
      harness(path.join(path.dirname(import.meta.dirname), 'assets', 'installer.nsh'), path.join(dir, 'x.exe'))
    )
    const { status, stdout } = spawnSync('makensis', ['-WX', '-V2', file], { encoding: 'utf8' })
    expect([status, stdout]).toEqual([0, expect.not.stringMatching(/warning/i)])
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test('the uninstaller takes the login item away that the application makes, under its own name', () => {
  expect([...script.matchAll(/DeleteRegValue HKCU "[^"]+" "([^"]+)"/g)].map((match) => match[1])).toEqual([
    APP_ID,
    APP_ID
  ])
})
