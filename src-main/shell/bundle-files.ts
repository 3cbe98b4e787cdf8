import { readFile } from 'node:fs/promises'
import { extname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { PAGE_POLICY } from '../contract/page-policy.ts'

/** The page's own address: everything of the window is served as `app://bundle/…`. */
export const APP_SCHEME = 'app'
export const APP_HOST = 'bundle'
export const APP_ORIGIN = `${APP_SCHEME}://${APP_HOST}`

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2'
}

const headers = {
  'Content-Security-Policy': PAGE_POLICY,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin'
}

/** Answers a request for a file of the window's bundle in `root`. Only known types, only inside `root`, only by reading. */
export async function answerBundleRequest(root: string, request: Request): Promise<Response> {
  const url = new URL(request.url)
  if (url.host !== APP_HOST || (request.method !== 'GET' && request.method !== 'HEAD')) return refuse(404)
  const path = filePath(root, url.pathname)
  if (path === null) return refuse(400)
  const type = types[extname(path)]
  // Node's own reading, because it sees inside the packed archive; and a type never guessed, because module scripts depend on it.
  const body = type === undefined ? null : await readFile(path).catch(() => null)
  if (type === undefined || body === null) return refuse(404)
  return new Response(request.method === 'HEAD' ? null : new Uint8Array(body), { headers: { ...headers, 'Content-Type': type } })
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

const refuse = (status: number): Response => new Response(null, { status, headers })
