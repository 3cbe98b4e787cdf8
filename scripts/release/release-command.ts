import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { LARDER_VERSION } from '../../src-main/contract/version.ts'
import {
  newReleaseKey,
  publicReleaseKey,
  readManifest,
  signManifest,
  type Release
} from '../../src-main/updates/manifest.ts'
import { isPackage, packageOfFile } from './package-of-file.ts'

const DAY_MS = 24 * 3600_000
const usage = `usage:
  npm run release -- key --out release-key.pem
      A new key: the private half into the file, the public half on standard output, for packaging/release-keys.txt.
  npm run release -- sign --key release-key.pem --out stable.json [--channel stable] [--min-version 1.0.0] [--days 30]
                          [--version ${LARDER_VERSION}] [--after former.json] PACKAGE …
      Signs the manifest of a release. --after: the manifest before, so that PCs can go back to its releases. --key may be given twice;
      --key-env NAME: the key itself is in that variable. --folder DIR: all packages in it.
  npm run release -- sums DIR
      DIR/SHA256SUMS of all that is in it.
`

/**
 * Carries out one command of `npm run release`.
 * @returns exit code; 2 for wrong usage, which has been said
 * @throws the system's error, and what is wrong about keys and manifests
 */
export function releaseCommand(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  say: (text: string) => void
): number {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      key: { type: 'string', multiple: true, default: [] },
      out: { type: 'string' },
      channel: { type: 'string', default: 'stable' },
      'min-version': { type: 'string' },
      version: { type: 'string', default: LARDER_VERSION },
      days: { type: 'string', default: '30' },
      after: { type: 'string' },
      folder: { type: 'string' },
      'key-env': { type: 'string' }
    }
  })
  const [what, ...named] = positionals
  const files = [...named, ...(values.folder ? packagesIn(values.folder) : [])]
  const pems = [
    ...values.key.map((file) => readFileSync(file, 'utf8')),
    ...(values['key-env'] ? [env[values['key-env']] ?? ''] : [])
  ]
  if (what === 'key' && values.out) makeKey(values.out)
  else if (what === 'sign' && values.out && pems.length > 0 && files.length > 0) sign(values.out)
  else if (what === 'sums' && named.length === 1) sums(named[0]!)
  else {
    say(usage)
    return 2
  }
  return 0

  function makeKey(out: string): void {
    const { privatePem, publicKey } = newReleaseKey()
    // Never over one that is there.
    writeFileSync(out, privatePem, { mode: 0o600, flag: 'wx' })
    say(`${publicKey}\n`)
  }

  function sign(out: string): void {
    const before = values.after ? readManifest(readFileSync(values.after), pems.map(publicReleaseKey)) : null
    const packages = packagesOf(files)
    const former: Release[] = before ? [before.release, ...before.former].slice(0, 20) : []
    const now = Date.now()
    const text = signManifest(
      {
        channel: values.channel,
        release: { version: values.version, packages },
        former: former.filter(({ version }) => version !== values.version),
        issuedAt: new Date(now).toISOString(),
        expiresAt: new Date(now + Number(values.days) * DAY_MS).toISOString(),
        minVersion: values['min-version'] ?? former.at(-1)?.version ?? values.version
      },
      pems
    )
    writeFileSync(out, text)
    say(`${out}: ${values.channel} ${values.version}, ${files.length} packages\n`)
  }

  function sums(folder: string): void {
    const names = readdirSync(folder).filter(
      (name) => name !== 'SHA256SUMS' && statSync(path.join(folder, name)).isFile()
    )
    const lines = names.toSorted().map((name) => `${sha256Of(path.join(folder, name))}  ${name}\n`)
    writeFileSync(path.join(folder, 'SHA256SUMS'), lines.join(''))
    say(`${folder}/SHA256SUMS: ${names.length} files\n`)
  }
}

function packagesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter(isPackage)
    .toSorted()
    .map((name) => path.join(folder, name))
}

function sha256Of(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}

/** @throws when a PC could take either of two files */
function packagesOf(files: readonly string[]): Release['packages'] {
  const byKind = new Map<string, string>()
  for (const file of files) {
    const { form, arch } = packageOfFile(path.basename(file))
    const other = byKind.get(`${form} ${arch}`)
    if (other !== undefined) throw new Error(`${other} and ${file} are both the ${form} package for ${arch}`)
    byKind.set(`${form} ${arch}`, file)
  }
  return files.map(packageIn)
}

function packageIn(file: string): Release['packages'][number] {
  const { form, arch } = packageOfFile(path.basename(file))
  return {
    form,
    arch,
    url: encodeURIComponent(path.basename(file)),
    sizeBytes: statSync(file).size,
    sha256: sha256Of(file) as Release['packages'][number]['sha256']
  }
}
