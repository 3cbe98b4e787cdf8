import type { PeerId } from '../../contract/ids.ts'
import type { FleetMessage } from '../../contract/peer-messages.ts'
import type { Clock, Timer } from '../../lib/clock.ts'
import { LarderError } from '../../lib/errors.ts'
import { caMembership } from './ca-membership.ts'
import { DenyListExchange } from './deny-list-exchange.ts'
import { DenyListHolder } from './deny-list-holder.ts'
import { sameFleet, type Enrolment } from './enrolment.ts'
import { expiresAtMs } from './fleet-certificate.ts'
import { FleetFolder } from './fleet-folder.ts'
import type { Identity } from './identity.ts'
import type { Membership } from './membership.ts'
import type { RecallList } from './recall-list.ts'
import { RecallListHolder } from './recall-list-holder.ts'
import type { Log } from '../network.ts'
import { renewalNotice } from './renewal-notice.ts'
import type { TlsCredential } from './tls-channel.ts'

/** How soon a renewed certificate, an offered deny list and the passing of time take effect. */
const UPKEEP_MS = 10_000
const SAME_NOTICE_MS = 24 * 3600_000

/** What the network does when the membership changes. */
export interface CaFleetHooks {
  readonly connected: () => readonly PeerId[]
  readonly send: (to: PeerId, message: FleetMessage) => void
  readonly offended: (peer: PeerId, reason: string) => void
  /** Some who are connected may be members no longer. */
  readonly enforce: () => void
  /** More contents are recalled, or some no more. */
  readonly recalled: () => void
  /** Another certificate is to be shown from now on. */
  readonly renewed: (credential: TlsCredential) => void
  /** A sentence for the people of this PC. */
  readonly notice: (text: string) => void
}

/** This device's place in the fleet of a CA, kept up while the agent runs: certificate, deny list, reminders. */
export class CaFleet {
  readonly membership: Membership
  readonly #folder: FleetFolder
  readonly #identity: Identity
  readonly #clock: Clock
  readonly #random: () => number
  readonly #denyList: DenyListHolder
  readonly #recallList: RecallListHolder
  readonly #told = new Map<string, number>()
  #enrolment: Enrolment
  #stamp: string
  #hooks: CaFleetHooks | undefined
  #exchange: DenyListExchange | undefined
  #recallExchange: DenyListExchange | undefined
  #timer: Timer | undefined
  #busy = false

  private constructor(parts: {
    folder: FleetFolder
    enrolment: Enrolment
    stamp: string
    denyList: DenyListHolder
    recallList: RecallListHolder
    identity: Identity
    clock: Clock
    random: () => number
  }) {
    this.#folder = parts.folder
    this.#identity = parts.identity
    this.#clock = parts.clock
    this.#random = parts.random
    this.#denyList = parts.denyList
    this.#recallList = parts.recallList
    this.#enrolment = parts.enrolment
    this.#stamp = parts.stamp
    this.membership = caMembership({ enrolment: () => this.#enrolment, denyList: parts.denyList, clock: parts.clock })
  }

  /** @returns undefined when this device is not enrolled. @throws FLEET_INVALID when its enrolment cannot be used */
  static async open(
    dataDir: string,
    { identity, clock, log, random }: { identity: Identity; clock: Clock; log: Log; random: () => number }
  ): Promise<CaFleet | undefined> {
    const folder = new FleetFolder(dataDir)
    const stamp = await folder.enrolmentStamp()
    const enrolment = await folder.enrolment(identity.spki)
    if (!enrolment) return undefined
    const keep = (list: { number: number }) =>
      folder
        .keepDenyList(denyList.list)
        .catch((error: unknown) =>
          log.warn(
            { number: list.number, error: LarderError.from(error).message },
            'The deny list of the fleet could not be kept.'
          )
        )
    const denyList = new DenyListHolder(
      enrolment.ca.publicKey,
      await folder.denyList(enrolment),
      (list) => void keep(list)
    )
    const recallList = new RecallListHolder(enrolment.ca.publicKey, await folder.recallList(enrolment), (list) => {
      folder
        .keepRecallList(list)
        .catch((error: unknown) =>
          log.warn(
            { number: list.number, error: LarderError.from(error).message },
            'The recall list of the fleet could not be kept.'
          )
        )
    })
    return new CaFleet({ folder, enrolment, stamp, denyList, recallList, identity, clock, random })
  }

  get credential(): TlsCredential {
    return { keyPem: this.#identity.keyPem, certificatePem: this.#enrolment.certificate.toString() }
  }

  /** For people: end of the certificate (ms since 1970) and the deny list in force. */
  view(): { expiresAt: number; denyListNumber: number; denied: number } {
    const { number, denied } = this.#denyList.list
    return { expiresAt: expiresAtMs(this.#enrolment.certificate), denyListNumber: number, denied: denied.size }
  }

  /** Contents that nobody of the fleet is to have, and why. */
  get recalled(): RecallList['recalled'] {
    return this.#recallList.list.recalled
  }

  async start(hooks: CaFleetHooks): Promise<void> {
    this.#hooks = hooks
    const { connected, send, offended, enforce } = hooks
    this.#exchange = new DenyListExchange({
      denyList: this.#denyList,
      clock: this.#clock,
      random: this.#random,
      connected,
      send,
      offended,
      adopted: enforce
    })
    this.#recallExchange = new DenyListExchange({
      denyList: this.#recallList,
      t: 'fleet.recalled',
      clock: this.#clock,
      random: this.#random,
      connected,
      send,
      offended,
      adopted: hooks.recalled
    })
    await this.#upkeep()
    this.#timer = this.#clock.every(UPKEEP_MS, () => void this.#upkeep())
  }

  /** Looks at once at what else is looked at every {@link UPKEEP_MS}: the PC may have slept. */
  refresh(): void {
    void this.#upkeep()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#exchange?.stop()
    this.#recallExchange?.stop()
  }

  connected(peer: PeerId): void {
    this.#exchange?.connected(peer)
    this.#recallExchange?.connected(peer)
  }

  lost(peer: PeerId): void {
    this.#exchange?.lost(peer)
    this.#recallExchange?.lost(peer)
  }

  heard(from: PeerId, message: FleetMessage): void {
    const exchange = message.t === 'fleet.denied' ? this.#exchange : this.#recallExchange
    exchange?.heard(from, message)
  }

  async #upkeep(): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    try {
      await this.#renew()
      const offered = await this.#folder.takeOffered(this.#enrolment)
      if (offered) this.#exchange?.offer(offered.bytes)
      const recalls = await this.#folder.takeOfferedRecalls(this.#enrolment)
      if (recalls) this.#recallExchange?.offer(recalls.bytes)
    } catch (error) {
      this.#tell('damaged', LarderError.from(error).message)
    } finally {
      this.#busy = false
    }
    this.#hooks?.enforce()
    const notice = renewalNotice(this.#enrolment.certificate, {
      nowMs: this.#clock.wallMs(),
      denied: this.#denyList.denies(this.#identity.id)
    })
    if (notice) this.#tell(notice.kind, notice.text)
  }

  async #renew(): Promise<void> {
    const stamp = await this.#folder.enrolmentStamp()
    if (stamp === this.#stamp) return
    this.#stamp = stamp
    const enrolment = await this.#folder.enrolment(this.#identity.spki)
    if (!enrolment || !sameFleet(enrolment, this.#enrolment))
      return this.#tell('moved', 'The fleet of this PC was changed; start the agent again.')
    this.#enrolment = enrolment
    this.#hooks?.renewed(this.credential)
  }

  #tell(kind: string, text: string): void {
    const now = this.#clock.monotonicMs()
    const last = this.#told.get(kind)
    if (last !== undefined && now - last < SAME_NOTICE_MS) return
    this.#told.set(kind, now)
    this.#hooks?.notice(text)
  }
}
