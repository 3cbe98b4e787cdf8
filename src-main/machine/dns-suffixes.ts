import { hostname } from 'node:os'
import { win32 } from 'node:path'
import { readBoundedFile } from '../lib/bounded-file.ts'
import { runQuietly, type RunProgram } from './run-quietly.ts'

const MAX_FILE_BYTES = 64 * 1024
const MAX_SUFFIXES = 6

/** Where Windows keeps the domain of the machine, which its name does not have and the environment of a service does not tell. */
const REGISTRY = String.raw`HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters`

/** The DNS suffixes of this PC: its own name's, its domain's (Windows), and those that names are searched in. */
export async function dnsSuffixes({
  file = '/etc/resolv.conf',
  host = hostname(),
  env = process.env,
  platform = process.platform,
  run = runQuietly
}: {
  readonly file?: string
  readonly host?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly platform?: NodeJS.Platform
  readonly run?: RunProgram
} = {}): Promise<string[]> {
  const searched =
    platform === 'win32'
      ? domainsOfRegistry((await run(regExe(env), ['query', REGISTRY])) ?? '')
      : await readBoundedFile(file, MAX_FILE_BYTES).then(
          (bytes) => searchedIn(bytes.toString()),
          () => []
        )
  const own = host.includes('.') ? [host.slice(host.indexOf('.') + 1)] : []
  const all = [...own, env['USERDNSDOMAIN'] ?? '', ...searched].map((name) => name.toLowerCase().replace(/\.$/, ''))
  return [...new Set(all.filter(isDomain))].slice(0, MAX_SUFFIXES)
}

/** Of `search` and `domain` lines as resolv.conf(5) has them; the last one counts. */
export function searchedIn(text: string): string[] {
  const lines = [...text.matchAll(/^(?:search|domain)[ \t]+(.+)$/gm)]
  return (lines.at(-1)?.[1] ?? '').split(/\s+/).filter(isDomain)
}

/** Of what `reg query` prints: the domain of the machine, that of its network, and the search list. */
export function domainsOfRegistry(printed: string): string[] {
  const values = new Map<string, string>()
  for (const [, name = '', value = ''] of printed.matchAll(/^ +(\w+) +REG_SZ +(\S.*?)\s*$/gm)) values.set(name, value)
  return ['Domain', 'DhcpDomain', 'SearchList']
    .flatMap((name) => values.get(name)?.split(/[\s,]+/) ?? [])
    .filter(isDomain)
}

/** Never whatever is first on PATH. */
const regExe = (env: Readonly<Record<string, string | undefined>>): string =>
  win32.join(env['SystemRoot'] ?? String.raw`C:\Windows`, String.raw`System32\reg.exe`)

/** `local` is not DNS, and a name without a dot is nobody's domain. */
const isDomain = (name: string): boolean =>
  /^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/i.test(name) && name.length <= 200 && !/(^|\.)(local|localdomain)$/i.test(name)
