import { BlockList, type IPVersion, type SocketAddress } from 'node:net'
import { plainAddress } from '../fleet/tls-channel.ts'

/**
 * A block list that decides again for each connection. A listening socket asks it before it makes anything for the
 * connection: whoever is turned away here costs no TLS state, of which a flood would leave tens of megabytes of garbage.
 */
export class AddressGate extends BlockList {
  readonly #admits: (address: string) => boolean

  /** @param admits is asked once for each connection, with the remote address */
  constructor(admits: (address: string) => boolean) {
    super()
    this.#admits = admits
  }

  /** @returns true when a connection from there is to be turned away */
  override check(address: string | SocketAddress, _family?: IPVersion): boolean {
    return !this.#admits(plainAddress(typeof address === 'string' ? address : address.address))
  }
}
