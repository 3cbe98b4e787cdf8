import type { PeerMessage } from '../../contract/peer-messages.ts'

/** What things cost the one thread that runs an agent, ms. Measured on one core of the machine of docs/measurements.md. */
export interface CpuCosts {
  send(message: PeerMessage, bytes: number): number
  receive(message: PeerMessage, bytes: number): number
  /** A connection to another member, with both proofs. */
  readonly connect: number
  /** Reading a piece and handing it to the socket. */
  give(bytes: number): number
  /** Taking a piece from the socket, checking its record, and having it hashed and written. */
  take(bytes: number): number
}

/** Nothing takes any time. */
export const freeOfCharge: CpuCosts = { send: () => 0, receive: () => 0, connect: 0, give: () => 0, take: () => 0 }

/** A frame over TLS, at each end. */
const FRAME_MS = 0.029
const PER_KIB_MS = 0.004
/** Parsing it, and what its receiver does with it; a claim message: 2,200 of them took 0.32 s. */
const CLAIM_MS = 0.145
const SWARM_MS = 0.03
const MIB = 1024 * 1024

export const measuredCosts: CpuCosts = {
  send: (_, bytes) => FRAME_MS + (PER_KIB_MS * bytes) / 1024,
  receive: (message, bytes) =>
    FRAME_MS + (PER_KIB_MS * bytes) / 1024 + (message.t.startsWith('claim.') ? CLAIM_MS : SWARM_MS),
  connect: 1.5,
  give: (bytes) => 0.25 + (0.9 * bytes) / MIB,
  take: (bytes) => 0.35 + (1.1 * bytes) / MIB
}
