/** Connections from one address that have not proved anything yet; a member opens a handful at a time, and many may share one address. */
const MAX_AT_ONE_ADDRESS = 256
/** The same where members are connected: a few identities with a few connections each. Many addresses must not take all sockets. */
const MAX_AT_MEMBERS_ADDRESS = 24

/** Connections that have not proved yet that they are a member's, by address and remote port. */
export class Unproven {
  readonly #ports = new Map<string, Set<number>>()

  isFull(address: string): boolean {
    return (this.#ports.get(address)?.size ?? 0) >= MAX_AT_ONE_ADDRESS
  }

  hasRoomForMembers(address: string): boolean {
    return (this.#ports.get(address)?.size ?? 0) < MAX_AT_MEMBERS_ADDRESS
  }

  add(address: string, port: number): void {
    const ports = this.#ports.get(address) ?? new Set()
    this.#ports.set(address, ports.add(port))
  }

  /** This connection is a member's, or gone. */
  settled(address: string, port: number): void {
    const ports = this.#ports.get(address)
    if (ports?.delete(port) && ports.size === 0) this.#ports.delete(address)
  }
}
