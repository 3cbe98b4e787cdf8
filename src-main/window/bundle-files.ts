import { readFile } from 'node:fs/promises'
import { extname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { PAGE_POLICY } from '../contract/page-policy.ts'

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2'
}

/** Header fields of everything that belongs to the window's page, whatever serves it. */
export const bundleHeaders = {
  'Content-Security-Policy': PAGE_POLICY,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin'
} as const

export interface BundleFile {
  readonly type: string
  readonly body: Uint8Array<ArrayBuffer>
}

/** The file of the window's bundle in `root` that a URL's path names. Only known types, only inside `root`. @returns null when there is none */
export async function readBundleFile(root: string, pathname: string): Promise<BundleFile | null> {
  const path = filePath(root, pathname)
  if (path === null) return null
  const type = types[extname(path)]
  // Node's own reading, because it sees inside the packed archive; and a type never guessed, because module scripts depend on it.
  const body = type === undefined ? null : await readFile(path).catch(() => null)
  return type === undefined || body === null ? null : { type, body: new Uint8Array(body) }
}

/** @returns null for a path that leads out of `root` or cannot be decoded */
export function filePath(root: string, pathname: string): string | null {
  let decoded: string
  try {
    decoded = decodeURIComponent(pathname === '/' ? '/index.html' : pathname)
  } catch {
    return null
  }
  if (decoded.includes('\0') || decoded.includes('\\')) return null
  const path = resolve(join(root, decoded))
  const inside = relative(root, path)
  return inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside) ? null : path
}
