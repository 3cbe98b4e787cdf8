import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A user account of this PC. */
export interface Account {
  readonly uid: number
  readonly name: string
  readonly groups: readonly string[]
}

/** As the system knows it, whatever directory its accounts come from. A number without account is its own name. */
export async function accountOf(uid: number): Promise<Account> {
  const [name, groups] = await Promise.all([ask('-un', uid), ask('-Gn', uid)])
  return { uid, name: name || `user ${uid}`, groups: groups.split(/\s+/).filter(Boolean) }
}

/** By absolute path: nothing on the way decides what is run. */
async function ask(what: string, uid: number): Promise<string> {
  const env = { LC_ALL: 'C', PATH: '/usr/bin:/bin' }
  return run('/usr/bin/id', [what, String(uid)], { env, timeout: 5000, maxBuffer: 64 * 1024 }).then(
    ({ stdout }) => stdout.trim(),
    () => ''
  )
}
