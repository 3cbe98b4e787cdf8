import { hostname } from 'node:os'
import { readBoundedFile } from '../lib/bounded-file.ts'

const MAX_FILE_BYTES = 64 * 1024
const MAX_SUFFIXES = 6

/** The DNS suffixes of this PC: its own name's, its domain's (Windows), and those that names are searched in. */
export async function dnsSuffixes({
  file = '/etc/resolv.conf',
  host = hostname(),
  env = process.env
}: {
  readonly file?: string
  readonly host?: string
  readonly env?: Readonly<Record<string, string | undefined>>
} = {}): Promise<string[]> {
  const searched = await readBoundedFile(file, MAX_FILE_BYTES).then(
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

/** `local` is not DNS, and a name without a dot is nobody's domain. */
const isDomain = (name: string): boolean =>
  /^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/i.test(name) && name.length <= 200 && !/(^|\.)(local|localdomain)$/i.test(name)
