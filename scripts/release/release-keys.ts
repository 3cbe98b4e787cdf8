import { readFileSync } from 'node:fs'
import path from 'node:path'
import { root } from '../steps.ts'

/** Keys that a build pins: of LARDER_RELEASE_KEYS (apart by blanks) where it is set, else of `packaging/release-keys.txt`. */
export function pinnedReleaseKeys(env: NodeJS.ProcessEnv = process.env): string[] {
  const text = env['LARDER_RELEASE_KEYS'] ?? readFileSync(path.join(root, 'packaging', 'release-keys.txt'), 'utf8')
  const keys = text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .flatMap((line) => line.split(/\s+/))
    .filter(Boolean)
  const wrong = keys.find((key) => !/^[A-Za-z0-9_-]{43}$/.test(key))
  if (wrong !== undefined) throw new Error(`not a release key: ${wrong}`)
  return keys
}
