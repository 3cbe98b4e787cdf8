import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FromHub, ToHub } from '../contract/hub-messages.ts'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import { MAX_CONTENTS, type DepositLimits } from '../hub/deposit.ts'
import { DepositStore } from '../hub/deposit-store.ts'
import { Hub } from '../hub/hub.ts'
import { systemClock } from '../lib/clock.ts'
import type { PeerNetwork, ServedContent } from '../peers/network.ts'
import { createHashPool } from '../pieces/hash-pool.ts'
import type { HashPool } from '../pieces/hashing.ts'
import { lone, PieceBuffers } from '../pieces/piece-buffers.ts'
import { pieceLength, pieceStart, planPieces } from '../pieces/plan.ts'
import { createRecordVerifier, signRecord, type PieceRecord } from '../pieces/record.ts'
import { seekingClaim } from './claim-put.ts'
import { VirtualLan, type LanPeer } from './virtual-lan.ts'

/** A PC of the rig: its network alone, so that it can do what no agent does. */
export interface DepositPc {
  readonly network: PeerNetwork
  readonly heard: readonly FromHub[]
  send(message: ToHub): void
  /** The next message of this kind that it has not been given yet. */
  next<T extends FromHub['t']>(t: T): Promise<Extract<FromHub, { t: T }>>
  /** Claims a content at the hub. */
  claim(key: ContentKey): void
}

export interface DepositRigOptions {
  readonly always?: boolean
  readonly limits?: Partial<DepositLimits>
  /** Where each PC seems to come from. */
  readonly placeOf?: (name: string) => string
}

/** A hub with a deposit, and PCs that are connected to it and to nothing else: real sockets and a real disk, no agents. */
export class DepositRig {
  readonly lan: VirtualLan
  readonly offences: { id: PeerId; reason: string }[] = []
  readonly dir: string
  readonly #o: DepositRigOptions
  readonly #hubPeer: LanPeer
  readonly #hashes: HashPool
  hub!: Hub
  store!: DepositStore

  private constructor(lan: VirtualLan, hubPeer: LanPeer, dir: string, options: DepositRigOptions) {
    this.lan = lan
    this.dir = dir
    this.#o = options
    this.#hubPeer = hubPeer
    this.#hashes = createHashPool({ workers: 1 })
  }

  static async open(options: DepositRigOptions = {}): Promise<DepositRig> {
    const lan = await VirtualLan.open()
    const hubPeer = await lan.add({ name: 'hub', seeds: [], hub: { serve: true } })
    const rig = new DepositRig(lan, hubPeer, await mkdtemp(join(tmpdir(), 'larder-deposit-')), options)
    await rig.openStore()
    const { network } = hubPeer
    const door = network.door!
    rig.hub = new Hub({
      self: network.self,
      name: 'hub',
      version: '1',
      clock: systemClock,
      election: { leaseMs: 60_000, settleMs: 0 },
      sites: [],
      maxConnections: 100,
      maxContents: 1000,
      deposit: {
        id: network.deposits.idOf(network.self),
        store: rig.store,
        always: options.always ?? true,
        records: createRecordVerifier(),
        network,
        onOffence: (id, reason) => void rig.offences.push({ id, reason }),
        changed: () => {}
      },
      send: (to, message) => void door.send(to, message),
      onFlood: () => {},
      onElected: () => {}
    })
    door.shelve(rig.hub.deposit!)
    const names = new Map<PeerId, string>()
    door.on('joined', ({ id }) => {
      const name = lan.peers.find((peer) => peer.network.self === id)?.name ?? ''
      names.set(id, name)
      rig.hub.joined(id, options.placeOf?.(name) ?? name)
    })
    door.on('lost', (id) => rig.hub.lost(id))
    door.on('message', (from, message) => rig.hub.message(from, message))
    return rig
  }

  /** As after a restart of the hub; what was open before is not used any more. */
  async openStore(): Promise<DepositStore> {
    await this.store?.stop()
    this.store = await DepositStore.open({
      dir: this.dir,
      limits: { maxBytes: 1e9, maxContents: MAX_CONTENTS, keepMs: 3_600_000, ...this.#o.limits },
      clock: systemClock,
      hashes: this.#hashes,
      buffers: new PieceBuffers(systemClock),
      minFreeBytes: () => 0
    })
    return this.store
  }

  /** @param knows what it knows of contents; by default it has asked the origin, as all have */
  async pc(name: string, knows: (key: ContentKey) => Buffer = originSays): Promise<DepositPc> {
    const peer = await this.lan.add({
      name,
      seeds: [],
      knowledge: knows,
      hub: { urls: [`larder://${this.#hubPeer.seed()}`] }
    })
    const { network } = peer
    const heard: FromHub[] = []
    const unread: FromHub[] = []
    network.hubs.on('message', (_from, message) => {
      heard.push(message)
      unread.push(message)
    })
    while (!network.hubs.connected()[0]?.hello.deposit) await once(network.hubs, 'changed')
    const send = (message: ToHub) => void network.hubs.send(this.#hubPeer.network.self, message)
    return {
      network,
      heard,
      send,
      claim: (key) => {
        const { about: _, ...put } = seekingClaim(network.blind(key))
        send(put)
      },
      next: async (t) => {
        for (;;) {
          const at = unread.findIndex((message) => message.t === t)
          if (at >= 0) return unread.splice(at, 1)[0] as never
          await once(network.hubs, 'message')
        }
      }
    }
  }

  get hubId(): PeerId {
    return this.#hubPeer.network.self
  }

  /** Says what it is and waits for the answer. @returns the pieces that are there, as their map travels */
  async offer(pc: DepositPc, { key, plan }: MadeContent): Promise<Buffer> {
    pc.send({
      t: 'hub.offer',
      key: pc.network.blind(key),
      tag: pc.network.deposits.tagOf(key)!,
      lengthBytes: plan.lengthBytes,
      signers: [pc.network.credential!]
    })
    return Buffer.from((await pc.next('hub.kept')).map, 'base64')
  }

  async ask(pc: DepositPc, { key, plan }: MadeContent): Promise<Buffer> {
    pc.claim(key)
    pc.send({
      t: 'hub.ask',
      key: pc.network.blind(key),
      tag: pc.network.deposits.tagOf(key)!,
      lengthBytes: plan.lengthBytes
    })
    return Buffer.from((await pc.next('hub.kept')).map, 'base64')
  }

  bring(
    pc: DepositPc,
    content: MadeContent,
    run: { first: number; count: number },
    signal = new AbortController().signal
  ) {
    return pc.network.deposits.bring(this.hubId, pc.network.blind(content.key), content, run, signal)
  }

  /** Claims it, is asked for it, and brings it all. */
  async deposit(pc: DepositPc, content: MadeContent): Promise<void> {
    pc.claim(content.key)
    await pc.next('hub.bring')
    await this.offer(pc, content)
    for (let first = 0; first < content.plan.count; first++) await this.bring(pc, content, { first, count: 1 })
  }

  /** @throws what `fetchPieces` throws */
  async take(pc: DepositPc, { key, plan }: MadeContent, run: { first: number; count: number }): Promise<Buffer[]> {
    const from = pc.network.deposits.idOf(this.hubId)
    const pieces: Buffer[] = []
    for await (const { data, release } of pc.network.fetchPieces(from, key, plan, run, { stallMs: 10_000 })) {
      pieces.push(Buffer.from(data))
      release()
    }
    return pieces
  }

  async close(): Promise<void> {
    await this.lan.close()
    await this.hub.stop()
    await this.store.stop()
    await this.#hashes.close()
    await rm(this.dir, { recursive: true, force: true })
  }
}

const originSays = (key: ContentKey): Buffer => createHash('sha256').update(`origin ${key}`).digest()

export interface MadeContent extends ServedContent {
  readonly key: ContentKey
  readonly bytes: Buffer
}

/** A content that this PC has, its records signed by itself; `lie` changes what it gives. */
export function contentAt(
  { network }: Pick<DepositPc, 'network'>,
  lengthBytes: number,
  {
    key = `version:${randomBytes(32).toString('hex')}` as ContentKey,
    bytes = randomBytes(lengthBytes),
    lie = {}
  }: {
    key?: ContentKey
    bytes?: Buffer
    lie?: { record?: (record: PieceRecord) => PieceRecord; data?: (data: Buffer) => Buffer; signs?: ContentKey }
  } = {}
): MadeContent {
  const plan = planPieces(lengthBytes)
  const piece = (index: number) =>
    bytes.subarray(pieceStart(plan, index), pieceStart(plan, index) + pieceLength(plan, index))
  return {
    key,
    bytes,
    plan,
    has: () => true,
    record: (index) => {
      const digest = createHash('sha256').update(piece(index)).digest()
      const record = signRecord(lie.signs ?? key, { index, epoch: 1, digest, signer: network.self }, (m) =>
        network.sign(m)
      )
      return lie.record?.(record) ?? record
    },
    read: async (index) => lone(lie.data?.(Buffer.from(piece(index))) ?? Buffer.from(piece(index))),
    served: () => {},
    close: () => {}
  }
}
