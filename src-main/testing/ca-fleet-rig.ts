import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock, type Clock } from '../lib/clock.ts'
import { acceptEnrolment } from '../peers/fleet/enrolment.ts'
import { FleetCa } from '../peers/fleet/fleet-ca.ts'
import { makeRequest } from '../peers/fleet/fleet-certificate.ts'
import { FleetFolder } from '../peers/fleet/fleet-folder.ts'
import { loadIdentity, type Identity } from '../peers/fleet/identity.ts'
import { keptLog } from './kept-log.ts'

const DAY_MS = 24 * 3600_000

/** A device's data folder, enrolled at a CA or not yet. */
export interface EnrolledDevice {
  readonly dir: string
  readonly identity: Identity
  readonly folder: FleetFolder
}

/** A fleet CA and folders of devices enrolled there, in a temporary folder. */
export class CaFleetRig {
  readonly dir: string
  readonly ca: FleetCa
  #devices = 0

  private constructor(dir: string, ca: FleetCa) {
    this.dir = dir
    this.ca = ca
  }

  static async open(clock: Clock = systemClock): Promise<CaFleetRig> {
    const dir = await mkdtemp(join(tmpdir(), 'larder-ca-'))
    return new CaFleetRig(dir, await FleetCa.create(join(dir, 'ca'), { clock }))
  }

  async device(): Promise<EnrolledDevice> {
    const dir = join(this.dir, `device-${++this.#devices}`)
    const identity = await loadIdentity(dir, { clock: systemClock, log: keptLog() })
    return { dir, identity, folder: new FleetFolder(dir) }
  }

  /** Enrols a device, a new one by default; again: renews it. */
  async enrol(
    name: string,
    {
      device,
      lifetimeMs = 365 * DAY_MS,
      ca = this.ca
    }: { device?: EnrolledDevice; lifetimeMs?: number; ca?: FleetCa } = {}
  ): Promise<EnrolledDevice> {
    const enrolled = device ?? (await this.device())
    const { file } = await ca.sign(await makeRequest(enrolled.identity.keyPem, name), { lifetimeMs })
    await enrolled.folder.keepEnrolment(acceptEnrolment(file, enrolled.identity.spki).enrolment)
    return enrolled
  }

  async close(): Promise<void> {
    await rm(this.dir, { recursive: true, force: true })
  }
}
