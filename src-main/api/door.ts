// Why it is like this: docs/decisions/0080-one-agent-for-all-users-of-a-pc.md
import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { chmod, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AgentFile, proofMessage } from '../contract/api.ts'
import type { MachineAgentFile } from '../contract/machine.ts'
import { accountOf, type Account } from '../lib/account.ts'
import type { Clock } from '../lib/clock.ts'
import type { DataPaths } from '../lib/data-paths.ts'
import { whoLeft } from '../lib/door-file.ts'
import { LarderError, systemCode } from '../lib/errors.ts'
import { machineAgentFile, whyNotMachineAgent } from '../lib/machine-place.ts'
import type { Person } from '../operations/person.ts'
import { writePublicFile } from '../lib/public-file.ts'

/** Groups and names of accounts are asked for again after this long. */
const KNOW_ACCOUNT_MS = 60_000

export interface DoorOptions {
  readonly paths: DataPaths
  /** Where users look for a machine agent. */
  readonly place: string
  readonly clock: Clock
  /** Its members are administrators, beside root. */
  readonly adminGroup: () => string
  readonly account?: (uid: number) => Promise<Account>
}

/** How the users of a PC come in to the agent that serves all of them, and know it. */
export class Door {
  readonly #options: DoorOptions
  readonly #key: KeyObject
  readonly #publicKey: string
  readonly #accounts = new Map<number, { readonly account: Promise<Account>; readonly untilMs: number }>()
  readonly #dir: string

  private constructor(options: DoorOptions) {
    this.#options = options
    this.#dir = options.paths.door
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    this.#key = privateKey
    this.#publicKey = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  }

  /** Makes the door again: what users left at a former agent opens nothing. @throws MACHINE_AGENT_UNSAFE, MACHINE_AGENT_UNSUPPORTED */
  static async open(options: DoorOptions): Promise<Door> {
    const { paths, place } = options
    if (process.platform === 'win32')
      throw new LarderError(
        'MACHINE_AGENT_UNSUPPORTED',
        'On Windows an agent cannot tell yet which user asks, so it serves one user only'
      )
    try {
      await rm(paths.door, { recursive: true, force: true })
      await mkdir(paths.door, { mode: 0o700 })
      // Others come through to the door and see nothing of what lies beside it.
      await chmod(paths.root, 0o711)
      await chmod(paths.door, 0o1733)
      await mkdir(place, { recursive: true, mode: 0o755 })
      // Where the system made it for us it has its mode, and may not be ours to change.
      await chmod(place, 0o755).catch(() => {})
      await rm(machineAgentFile(place), { force: true })
    } catch (error) {
      throw new LarderError(
        'MACHINE_AGENT_UNSAFE',
        `${place} cannot be used (${systemCode(error) ?? String(error)}); the service makes it before it starts the agent`,
        { path: place, cause: error }
      )
    }
    return new Door(options)
  }

  /** Tells users where the agent listens. @throws MACHINE_AGENT_UNSAFE when they would not believe it */
  async announce(agent: AgentFile): Promise<void> {
    const { place } = this.#options
    const file: MachineAgentFile = { ...agent, publicKey: this.#publicKey, door: this.#dir }
    await writePublicFile(machineAgentFile(place), `${JSON.stringify(file)}\n`)
    const why = whyNotMachineAgent(place)
    if (why !== null) throw new LarderError('MACHINE_AGENT_UNSAFE', why, { path: place })
  }

  async withdraw(): Promise<void> {
    await rm(machineAgentFile(this.#options.place), { force: true })
    for (const name of await readdir(this.#dir).catch(() => [])) await rm(join(this.#dir, name), { force: true })
  }

  /** Shows that this listener is the agent that the file in its place tells of. */
  sign(challenge: string, port: number): string {
    return createSign('sha256').update(proofMessage(challenge, port)).sign(this.#key, 'hex')
  }

  /** The user who left this token at the door; undefined: nobody did. */
  async whoShows(token: string): Promise<Person | undefined> {
    const uid = await whoLeft(this.#dir, token)
    if (uid === undefined) return undefined
    const { name, groups } = await this.#accountOf(uid)
    return { id: `uid:${uid}`, name, admin: uid === 0 || groups.includes(this.#options.adminGroup()) }
  }

  #accountOf(uid: number): Promise<Account> {
    const nowMs = this.#options.clock.monotonicMs()
    let known = this.#accounts.get(uid)
    if (!known || known.untilMs <= nowMs) {
      // Numbers come from users; at most as many as a PC has are worth keeping.
      if (this.#accounts.size > 1000) this.#accounts.clear()
      known = { account: (this.#options.account ?? accountOf)(uid), untilMs: nowMs + KNOW_ACCOUNT_MS }
      this.#accounts.set(uid, known)
    }
    return known.account
  }
}
