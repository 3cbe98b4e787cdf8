import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LarderError } from '../lib/errors.ts'
import { isRoot } from '../lib/folder-owner.ts'
import type { CliHost } from './cli-host.ts'

/** Of a data folder below a home, by system. */
const dataIn = process.platform === 'darwin' ? 'Library/Application Support/larder' : '.local/share/larder'
/** As many are named. */
const MOST_NAMED = 10

/**
 * Root helps somebody, and no agent runs that could be meant: root's own settings are hardly those. Which data folders there are is
 * said instead of changing the wrong one in silence.
 * @throws USER_UNCLEAR
 */
export function assertWhoseSettings(host: CliHost, env: NodeJS.ProcessEnv = process.env, root = isRoot()): void {
  if (!root || env['LARDER_DATA_DIR']) return
  const folders = (host.homes ?? homesOfAccounts()).map((home) => join(home, dataIn)).filter((dir) => existsSync(dir))
  if (folders.length === 0) return
  throw new LarderError(
    'USER_UNCLEAR',
    `No agent of this PC runs, and you are root: whose settings are meant? --data-dir ${folders.slice(0, MOST_NAMED).join(', or --data-dir ')}`,
    { dataDirs: folders.slice(0, MOST_NAMED).join(', ') }
  )
}

function homesOfAccounts(): string[] {
  try {
    const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
    return [...new Set(lines.flatMap((line) => line.split(':')[5] ?? []))].filter(
      (home) => home.startsWith('/') && home !== '/'
    )
  } catch {
    return []
  }
}
