import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NetworkClaimLink } from '../agent/claim-link.ts'
import { createClaims } from '../claims/claims-service.ts'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import type { PeerMessage } from '../contract/peer-messages.ts'
import { Settings } from '../contract/settings.ts'
import { systemClock } from '../lib/clock.ts'
import { createPeerNetwork } from '../peers/create-network.ts'
import type { PeerNetwork } from '../peers/network.ts'
import { lone, PieceBuffers, type PieceBuffer } from '../pieces/piece-buffers.ts'
import { pieceLength, pieceStart, planPieces, type PiecePlan } from '../pieces/plan.ts'
import { signRecord, type PieceRecord } from '../pieces/record.ts'
import { keptLog } from './kept-log.ts'

/** How it lies about the contents it claims to have. */
export type Lie =
  /** The record says one thing, the bytes another. */
  | 'damaged-bytes'
  /** Wrong bytes with a record that fits them, signed by itself. */
  | 'wrong-record'
  /** A record whose signature is not its signer's. */
  | 'forged-record'
  /** Answers with its piece map and then never sends a byte. */
  | 'stall'
  /** Says it has everything, and answers each request for a piece that it has not. */
  | 'false-map'
  /** Takes claims as a coordinator and never decides. */
  | 'silent-coordinator'
  /** As a coordinator it always decides that it has everything itself, and never sends a byte. */
  | 'false-holder'
  /** As a coordinator it always decides that nobody may be master. */
  | 'nobody-may'
  /** As a coordinator it tells everybody to be the master. */
  | 'crowns-all'

/** A proven member of the fleet that says it has everything and serves rubbish. */
export interface HostilePeer {
  readonly id: PeerId
  readonly network: PeerNetwork
  /** Pieces it was asked for. */
  readonly asked: number
  stop(): Promise<void>
}

export async function startHostilePeer(options: {
  siteKey: string
  seeds: string[]
  lie: Lie
  lengthBytes: number
  /** What it gives instead of rubbish; the whole. */
  bytes?: Buffer | undefined
  /** What it has found out about contents; whoever asks an origin knows as much. */
  knowledge?: (key: ContentKey) => Buffer | undefined
}): Promise<HostilePeer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'larder-hostile-'))
  const settings = Settings.parse({
    fleet: { siteKey: options.siteKey },
    ports: { peer: 0, beacon: 0 },
    discovery: { beacon: false, seeds: options.seeds, listenAddress: '127.0.0.1', includeLoopback: true },
    election: { settleMs: 0, windowMs: 50 }
  })
  const plan = planPieces(options.lengthBytes)
  let asked = 0
  const pieceOf = (index: number) =>
    options.bytes?.subarray(pieceStart(plan, index), pieceStart(plan, index) + pieceLength(plan, index)) ??
    rubbish(plan, index)
  const network: PeerNetwork = await createPeerNetwork({
    dataDir,
    name: 'mallory',
    version: '0.0.0',
    weight: () => 0,
    settings: { fleet: settings.fleet, ports: settings.ports, discovery: settings.discovery, uploadSlots: 8 },
    clock: systemClock,
    log: keptLog(),
    buffers: new PieceBuffers(systemClock),
    ...(options.knowledge && { knowledge: options.knowledge }),
    source: {
      isSmall: () => false,
      openServed: async (key) =>
        options.lie === 'false-map'
          ? void asked++
          : {
              plan,
              has: () => true,
              record: (index) => recordFor(network, key, index, pieceOf(index), options.lie),
              read: (index) => {
                asked++
                return neverSends.includes(options.lie)
                  ? new Promise<PieceBuffer>(() => {})
                  : Promise.resolve(lone(Buffer.from(pieceOf(index))))
              },
              served: () => {},
              close: () => {}
            }
    }
  })
  const link = new NetworkClaimLink(network)
  const claims = createClaims({
    link,
    clock: systemClock,
    settings: settings.election,
    holdings: () => ({ pieces: plan.count, complete: true })
  })
  network.on('connected', (peer) => link.emit('joined', peer.id))
  network.on('lost', (peer) => link.emit('lost', peer.id))
  network.on('message', (from, message) => {
    if (message.t.startsWith('claim.') && !coordinates(network, from, message, options.lie))
      link.emit('message', from, message as Parameters<typeof link.send>[1])
    if (message.t === 'swarm.join')
      network.send(from, {
        t: 'swarm.have',
        key: message.key,
        lengthBytes: plan.lengthBytes,
        map: '',
        complete: true,
        signers: [network.credential!]
      })
  })
  claims.start()
  await network.start()
  return {
    id: network.self,
    network,
    get asked() {
      return asked
    },
    async stop() {
      claims.stop()
      await network.stop()
      await rm(dataDir, { recursive: true, force: true })
    }
  }
}

const lyingCoordinators: readonly Lie[] = ['silent-coordinator', 'false-holder', 'nobody-may', 'crowns-all']
const neverSends: readonly Lie[] = ['stall', ...lyingCoordinators]

/** Answers a claim as a lying coordinator does. @returns false when it is to be answered honestly */
function coordinates(network: PeerNetwork, from: PeerId, message: PeerMessage, lie: Lie): boolean {
  if (!lyingCoordinators.includes(lie)) return false
  if (message.t === 'claim.put' && lie !== 'silent-coordinator') {
    const holders = lie === 'false-holder' ? [{ id: network.self, complete: true }] : []
    const master = lie === 'crowns-all' ? from : null
    network.send(from, {
      t: 'claim.decision',
      key: message.key,
      epoch: 7,
      master,
      leaseMs: 5000,
      holders,
      masters: [],
      candidates: [],
      why: 'because I say so'
    })
  }
  // As a member it says nothing of what it has either.
  return true
}

function rubbish(plan: PiecePlan, index: number): Buffer {
  return Buffer.alloc(pieceLength(plan, index), 0x66 + (index % 7))
}

function recordFor(network: PeerNetwork, key: ContentKey, index: number, piece: Buffer, lie: Lie): PieceRecord {
  const digest = lie === 'wrong-record' ? createHash('sha256').update(piece).digest() : Buffer.alloc(32, index)
  const record = signRecord(key, { index, epoch: 0, digest, signer: network.self }, (message) => network.sign(message))
  return lie === 'forged-record' ? { ...record, signature: Buffer.alloc(64, 1) } : record
}
