import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defaultDataDir, machineDataDir } from '../lib/data-paths.ts'
import { LarderError } from '../lib/errors.ts'
import { isRoot } from '../lib/folder-owner.ts'
import type { CliHost } from './cli-host.ts'

/** Of a data folder below a home, by system. */
const dataIn = process.platform === 'darwin' ? 'Library/Application Support/larder' : '.local/share/larder'
/** As many are named. */
const MOST_NAMED = 10

/**
 * The data folder that a command means which finds no agent to ask: the one that is named, else this user's. Root helps somebody: where
 * the agent of all users has been on this PC, and no user has a folder of their own, it is that one's; where several may be meant, they are
 * named instead of changing the wrong one in silence.
 * @throws USER_UNCLEAR
 */
export function dataDirMeant(
  { dataDir }: { readonly dataDir?: string },
  host: CliHost,
  env: NodeJS.ProcessEnv = process.env,
  root = isRoot()
): string {
  if (dataDir !== undefined) return dataDir
  if (!root || env['LARDER_DATA_DIR']) return defaultDataDir(env)
  const machine = host.machineDataDir ?? machineDataDir(env)
  const all = existsSync(join(machine, 'settings.json')) || existsSync(join(machine, 'layout.json')) ? [machine] : []
  const folders = [
    ...all,
    ...(host.homes ?? homesOfAccounts()).map((home) => join(home, dataIn)).filter((dir) => existsSync(dir))
  ]
  if (folders.length === 0) return defaultDataDir(env)
  if (folders.length === 1 && all.length === 1) return machine
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
