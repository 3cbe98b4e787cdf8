import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { LARDER_VERSION } from '../../src-main/contract/version.ts'
import { isSettingName } from '../../src-main/settings/setting-facts.ts'
import { packMsi } from './msi.ts'

test('the tables of the MSI hold what must be there', { timeout: 120_000 }, ({ skip }) => {
  skip(
    ['wixl', 'msibuild', 'msiinfo'].some((tool) => spawnSync(tool, ['--help']).error),
    'wixl and msitools are not installed'
  )
  const dir = mkdtempSync(path.join(tmpdir(), 'larder-msi-'))
  try {
    const layout = path.join(dir, 'layout')
    mkdirSync(path.join(layout, 'cli'), { recursive: true })
    for (const name of ['node.exe', 'larder.cmd', 'cli/larder.js']) writeFileSync(path.join(layout, name), name)
    const file = path.join(dir, 'larder.msi')
    packMsi(layout, file)
    /** Rows of a table by its columns. */
    const table = (name: string): Record<string, string>[] => {
      const [columns, , , ...rows] = execFileSync('msiinfo', ['export', file, name], { encoding: 'utf8' })
        .replaceAll('\r', '')
        .trim()
        .split('\n')
      const names = columns!.split('\t')
      return rows.map((row) => Object.fromEntries(row.split('\t').map((value, i) => [names[i]!, value])))
    }
    const property = (name: string) => table('Property').find((row) => row['Property'] === name)?.['Value']
    expect([property('ProductVersion'), property('ALLUSERS')]).toEqual([LARDER_VERSION, '1'])
    for (const name of ['INTEGRATION', 'BACKGROUNDCHANNELURL', 'SITEKEYFILE'])
      expect(property('SecureCustomProperties')!.split(';')).toContain(name)
    expect(
      table('File')
        .map((row) => row['FileName'])
        .toSorted()
    ).toEqual(['larder.cmd', 'larder.js', 'node.exe'])
    // An older release goes, a newer one stays.
    expect(table('Upgrade').map((row) => [row['VersionMin'], row['VersionMax'], row['ActionProperty']])).toEqual([
      ['', LARDER_VERSION, 'WIX_UPGRADE_DETECTED'],
      [LARDER_VERSION, '', 'WIX_DOWNGRADE_DETECTED']
    ])
    expect(table('Environment')).toMatchObject([{ Name: '=-*PATH', Value: '[~];[INSTALLDIR]' }])
    const components = new Map(table('Component').map((row) => [row['Component'], row['Condition']]))
    const registry = table('Registry')
    expect(registry.map((row) => [row['Key'], row['Name'], components.get(row['Component_'])])).toEqual(
      expect.arrayContaining([
        [
          String.raw`SOFTWARE\Policies\Larder\Recommended`,
          'integration.enabled',
          'INTEGRATION = "off" OR INTEGRATION = "#0"'
        ],
        [String.raw`SOFTWARE\Policies\Larder\Settings`, 'fleet.siteKeyFile', 'SITEKEYFILE'],
        [String.raw`SOFTWARE\Policies\Larder\Settings`, 'backgroundChannel.url', 'BACKGROUNDCHANNELURL']
      ])
    )
    for (const row of registry) expect(isSettingName(row['Name']!)).toBe(true)
    expect(
      table('RegLocator')
        .map((row) => row['Name'])
        .toSorted()
    ).toEqual(registry.map((row) => row['Name']).toSorted())
    expect(table('RegLocator').map((row) => row['Type'])).toEqual(['18', '18', '18'])
    const at = (action: string) =>
      Number(table('InstallExecuteSequence').find((row) => row['Action'] === action)?.['Sequence'])
    expect(at('AppSearch')).toBeLessThan(at('RemoveExistingProducts'))
    expect(at('RemoveEnvironmentStrings')).toBeLessThan(at('RemoveFiles'))
    expect(at('InstallFiles')).toBeLessThan(at('WriteEnvironmentStrings'))
    expect(at('WriteEnvironmentStrings')).toBeLessThan(at('InstallFinalize'))
  } finally {
    rmSync(dir, { recursive: true })
  }
})
