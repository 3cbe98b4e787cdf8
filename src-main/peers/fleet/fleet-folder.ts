import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { LarderError, systemCode } from '../../lib/errors.ts'
import { readPrivateFile, writePrivateFile } from '../../lib/private-file.ts'
import { EMPTY_RECALL_LIST, readRecallList, type RecallList } from './recall-list.ts'
import { EMPTY_DENY_LIST, readDenyList, type DenyList } from './deny-list.ts'
import {
  acceptEnrolment,
  denyListFile,
  enrolmentFile,
  MAX_FLEET_FILE_BYTES,
  parseFleetFile,
  recallListFile,
  type Enrolment
} from './enrolment.ts'

/**
 * Where a device keeps its membership by a fleet CA, in its data folder:
 *
 *     fleet/enrolment.json           CA, certificate, secret; written by the command line, read by the agent
 *     fleet/deny-list.json           the newest list; written by the agent alone
 *     fleet/deny-list.offered.json   a list somebody put there for the agent, which takes it away
 *     fleet/recall-list.json, fleet/recall-list.offered.json   the same for recalled contents
 */
export class FleetFolder {
  readonly #dir: string
  readonly #enrolment: string
  readonly #denyList: string
  readonly #offered: string
  readonly #recallList: string
  readonly #offeredRecalls: string

  constructor(dataDir: string) {
    this.#dir = join(dataDir, 'fleet')
    this.#enrolment = join(this.#dir, 'enrolment.json')
    this.#denyList = join(this.#dir, 'deny-list.json')
    this.#offered = join(this.#dir, 'deny-list.offered.json')
    this.#recallList = join(this.#dir, 'recall-list.json')
    this.#offeredRecalls = join(this.#dir, 'recall-list.offered.json')
  }

  /** @returns undefined when this device is not enrolled. @throws FLEET_INVALID when the file is damaged or for another device */
  async enrolment(deviceSpki: Uint8Array): Promise<Enrolment | undefined> {
    const file = await this.#read(this.#enrolment)
    if (!file) return undefined
    if (file.larder !== 'fleet-enrolment')
      throw new LarderError('FLEET_INVALID', `${this.#enrolment} is not an enrolment`)
    return acceptEnrolment(file, deviceSpki).enrolment
  }

  /** Changes when the enrolment does. */
  async enrolmentStamp(): Promise<string> {
    const stats = await stat(this.#enrolment, { bigint: true }).catch(() => undefined)
    return stats ? `${stats.ino} ${stats.mtimeNs} ${stats.size}` : ''
  }

  async keepEnrolment(enrolment: Enrolment): Promise<void> {
    await this.#write(this.#enrolment, enrolmentFile(enrolment))
  }

  /** The newest list kept; the empty one when there is none, or the file was damaged: peers have it. */
  async denyList(enrolment: Enrolment): Promise<DenyList> {
    return (await this.#readList(this.#denyList, enrolment)) ?? EMPTY_DENY_LIST
  }

  async keepDenyList(list: DenyList): Promise<void> {
    await this.#write(this.#denyList, denyListFile(list))
  }

  /** Puts a list where the agent of this device finds it, running or not. */
  async offerDenyList(list: DenyList): Promise<void> {
    await this.#write(this.#offered, denyListFile(list))
  }

  /** @returns the list that was put there, if any; it is there no more afterwards */
  async takeOffered(enrolment: Enrolment): Promise<DenyList | undefined> {
    return this.#take(this.#offered, (path) => this.#readList(path, enrolment))
  }

  /** The newest list of recalled contents kept; the empty one when there is none, or the file was damaged: peers have it. */
  async recallList(enrolment: Enrolment): Promise<RecallList> {
    return (await this.#readRecalls(this.#recallList, enrolment)) ?? EMPTY_RECALL_LIST
  }

  async keepRecallList(list: RecallList): Promise<void> {
    await this.#write(this.#recallList, recallListFile(list))
  }

  /** Puts a list where the agent of this device finds it, running or not. */
  async offerRecallList(list: RecallList): Promise<void> {
    await this.#write(this.#offeredRecalls, recallListFile(list))
  }

  /** As {@link takeOffered}. */
  async takeOfferedRecalls(enrolment: Enrolment): Promise<RecallList | undefined> {
    return this.#take(this.#offeredRecalls, (path) => this.#readRecalls(path, enrolment))
  }

  async #take<T>(offered: string, read: (path: string) => Promise<T | undefined>): Promise<T | undefined> {
    // Moved first, so that one that is put there meanwhile is not lost.
    const taken = `${offered}.taken`
    const there = await rename(offered, taken).then(
      () => true,
      () => false
    )
    if (!there) return undefined
    const list = await read(taken)
    await rm(taken, { force: true })
    return list
  }

  async #readRecalls(path: string, { ca }: Enrolment): Promise<RecallList | undefined> {
    const file = await this.#read(path).catch(() => undefined)
    return file?.larder === 'fleet-recall-list'
      ? readRecallList(Buffer.from(file.recallList, 'base64url'), ca.publicKey)
      : undefined
  }

  /** Takes this device out of its fleet. */
  async clear(): Promise<void> {
    for (const path of [this.#enrolment, this.#denyList, this.#offered, this.#recallList, this.#offeredRecalls])
      await rm(path, { force: true })
  }

  async #readList(path: string, { ca }: Enrolment): Promise<DenyList | undefined> {
    const file = await this.#read(path).catch(() => undefined)
    return file?.larder === 'fleet-deny-list'
      ? readDenyList(Buffer.from(file.denyList, 'base64url'), ca.publicKey)
      : undefined
  }

  async #read(path: string) {
    try {
      const bytes = await readPrivateFile(path, MAX_FLEET_FILE_BYTES)
      return bytes && parseFleetFile(bytes.toString('utf8'), path)
    } catch (error) {
      if (error instanceof LarderError) throw error
      throw new LarderError(
        'FLEET_INVALID',
        `${path} cannot be read (${systemCode(error) ?? (error as Error).message})`,
        { path, cause: error }
      )
    }
  }

  async #write(path: string, value: object): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 })
    await writePrivateFile(path, `${JSON.stringify(value)}\n`)
  }
}
