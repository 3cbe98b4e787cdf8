import dns, { type LookupAddress, type LookupOptions } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { LarderError } from '../lib/errors.ts'
import { kindOfAddress, kindOfHost, mayReach, ownAddresses, type AddressKind, type Chooser } from './address-policy.ts'

/** Every address of a name. */
export type Resolve = (
  hostname: string,
  options: Pick<LookupOptions, 'family' | 'hints'>
) => Promise<readonly LookupAddress[]>

export interface AddressRules {
  /** This PC's own addresses count as any other (`origin.trustLoopback`). */
  readonly trustLoopback: boolean
  readonly resolve?: Resolve | undefined
}

const systemResolve: Resolve = (hostname, options) =>
  new Promise((resolve, reject) =>
    dns.lookup(hostname, { ...options, all: true }, (error, found) => (error ? reject(error) : resolve(found)))
  )

/** Judges where connections to origins go, by what they are connected to and not by what a URL says. */
export class AddressGuard {
  readonly #resolve: Resolve
  readonly #trustLoopback: boolean

  constructor({ trustLoopback, resolve = systemResolve }: AddressRules) {
    this.#resolve = resolve
    this.#trustLoopback = trustLoopback
  }

  /** What is known before a connection is made: the host is an address, or a name of loopback. @throws ADDRESS_REFUSED */
  assertHost(host: string, chooser: Chooser): void {
    const kind = kindOfHost(host, ownAddresses())
    if (kind !== null && !this.#may(kind, chooser, host)) throw refusal(host, kind)
  }

  /** Looks names up and gives only addresses that may be reached, so that no second look-up can lead elsewhere. */
  lookup(chooser: Chooser): LookupFunction {
    return (host, options, callback) => {
      const { family, hints } = options
      const asked = { ...(family !== undefined && { family }), ...(hints !== undefined && { hints }) }
      void this.#permitted(host, asked, chooser).then(
        (found) => {
          if (options.all === true) callback(null, [...found])
          else callback(null, found[0]!.address, found[0]!.family)
        },
        (error: NodeJS.ErrnoException) => callback(error, '')
      )
    }
  }

  /** Bytes from this address belong to this PC or its link and must not be shared. */
  isLocal(address: string): boolean {
    const kind = kindOfAddress(address, ownAddresses())
    return kind !== 'network' && !this.#trusts(kind)
  }

  async #permitted(host: string, options: Parameters<Resolve>[1], chooser: Chooser): Promise<readonly LookupAddress[]> {
    const found = await this.#resolve(host, options)
    const own = ownAddresses()
    let refused: AddressKind | undefined
    const permitted = found.filter(({ address }) => {
      const kind = kindOfAddress(address, own)
      if (this.#may(kind, chooser, host)) return true
      refused = kind
      return false
    })
    if (permitted.length > 0) return permitted
    if (refused) throw refusal(host, refused)
    throw Object.assign(new Error('no address'), { code: 'ENOTFOUND' })
  }

  #may(kind: AddressKind, chooser: Chooser, host: string): boolean {
    return this.#trusts(kind) || mayReach(kind, chooser, host)
  }

  #trusts(kind: AddressKind): boolean {
    return this.#trustLoopback && (kind === 'loopback' || kind === 'thisPc')
  }
}

const places: Record<AddressKind, string> = {
  metadata: 'the metadata service of a cloud',
  loopback: 'this PC itself',
  thisPc: 'this PC itself',
  linkLocal: 'the link of this PC',
  network: 'the network'
}

function refusal(host: string, kind: AddressKind): LarderError {
  return new LarderError('ADDRESS_REFUSED', `${host} leads to ${places[kind]}, which nobody but you may ask for.`, {
    host,
    place: kind
  })
}
