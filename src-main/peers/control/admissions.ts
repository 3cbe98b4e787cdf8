import type { BootId, PeerId } from '../../contract/ids.ts'
import type { ControlChannel } from './control-channel.ts'
import { CLOSE } from './hello.ts'
import { KnownMembers, type KnownMembersStore } from './known-members.ts'
import type { Link, Links } from './links.ts'
import type { OwnDials } from './own-dials.ts'
import { MAX_AT_ADDRESS, placeFor, type Guest } from './places.ts'
import type { Refusals } from './refusals.ts'
import type { SeedDials } from './seed-dials.ts'
import type { Twins } from './twins.ts'

/** Members of other subnets that are connected at the same time. */
export const MAX_FAR = 64

/** Whether a member that has proved itself is let in; but for `accept` these are keys of `STATUS`. */
export type Admission = 'accept' | 'duplicate' | 'twin' | 'later'

export interface AdmissionsOptions {
  readonly self: PeerId
  readonly links: Links
  readonly dials: OwnDials
  readonly seeds: SeedDials
  readonly twins: Twins
  readonly refusals: Refusals
  /** Absent: nobody is known after a restart. */
  readonly knownMembers?: KnownMembersStore | undefined
  readonly isRunning: () => boolean
  /** False for addresses that many agents share by nature, such as loopback. */
  readonly countsIdentities: (address: string) => boolean
}

/** Who of the members that have proved themselves gets a connection, and who has to give one up for it. */
export class Admissions {
  readonly #o: AdmissionsOptions
  readonly #known: KnownMembers

  constructor(options: AdmissionsOptions) {
    this.#o = options
    this.#known = new KnownMembers(options.knownMembers)
  }

  /** This member has given or taken pieces. */
  wasOfUse(id: PeerId): void {
    this.#known.note(id)
  }

  /** May a member that was named by a hub be dialled, or come in? One that is connected has its place. */
  hasFarRoom(id: PeerId): boolean {
    const { links } = this.#o
    return links.get(id)?.channel !== undefined || links.farCount() < MAX_FAR
  }

  /** May this member, which has dialled, come in? A promise where it must be seen first whether its older connection lives. */
  admit(id: PeerId, bootId: BootId, address: string, far: boolean): Admission | Promise<Admission> {
    const { self, links, dials, refusals, isRunning } = this.#o
    if (!isRunning() || refusals.isPenalised(id)) return 'later'
    if (far && !this.hasFarRoom(id)) return 'later'
    const link = links.get(id)
    if (!link?.channel && !this.makeRoom(id, address)) return 'later'
    if (link?.channel && link.peer && link.bootId !== bootId)
      return this.#admitOtherRun(link, link.channel, link.peer.address, address)
    if (self > id) return 'accept'
    if (link?.channel && link.bootId === bootId) {
      link.channel.probe()
      return 'duplicate'
    }
    return dials.has(id) ? 'duplicate' : 'accept'
  }

  /** A place for one more member, if need be somebody else's. @returns false when there is none */
  makeRoom(id: PeerId, address: string): boolean {
    const { links, refusals, countsIdentities } = this.#o
    const connected: Guest[] = []
    for (const link of links) if (link.channel) connected.push(this.#guest(link.id, link.address ?? ''))
    const place = placeFor(this.#guest(id, address), connected, countsIdentities)
    if (place.is === 'none' && place.why === 'address')
      refusals.stranger(address, null, `has more than ${MAX_AT_ADDRESS} identities; those above that are not taken`)
    if (place.is === 'of') links.get(place.id)?.channel?.close(CLOSE.full, 'gave its place to another PC')
    return place.is !== 'none'
  }

  async #admitOtherRun(link: Link, channel: ControlChannel, olderAddress: string, address: string): Promise<Admission> {
    if (link.doubted) return 'later'
    link.doubted = true
    const twin = await this.#o.twins.isTwin(link.id, address, { channel, address: olderAddress })
    link.doubted = false
    if (!this.#o.isRunning()) return 'later'
    return twin ? 'twin' : 'accept'
  }

  #guest(id: PeerId, address: string): Guest {
    const seed = this.#o.seeds.has(id)
    return { id, address, seed, known: seed || this.#known.has(id) }
  }
}
