import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { networkInterfaces } from 'node:os'
import type { BootId, ContentKey, PeerId, Sha256Hex } from '../contract/ids.ts'
import type { Credential, PeerMessage } from '../contract/peer-messages.ts'
import type { Priority } from '../contract/request.ts'
import type { AgentSnapshot, PeerView, UploadView } from '../contract/snapshot.ts'
import { DEFAULT_PORTS } from '../contract/version.ts'
import { LarderError } from '../lib/errors.ts'
import type { PiecePlan } from '../pieces/plan.ts'
import { assembleFleet, type Fleet } from './assemble-fleet.ts'
import type { Beacon } from './discovery/beacon.ts'
import type { CaFleet, CaFleetHooks } from './fleet/ca-fleet.ts'
import { Attention } from './control/heartbeat.ts'
import { presentableName, type Hello } from './control/hello.ts'
import type { Identity } from './fleet/identity.ts'
import { InterfaceWatch } from './discovery/interface-watch.ts'
import { KeyRing } from './fleet/key-ring.ts'
import { LinkWatch } from '../machine/link-watch.ts'
import { noLinks } from '../machine/links.ts'
import type { Membership } from './fleet/membership.ts'
import type {
  ConnectedPeer,
  Deposits,
  FarNetwork,
  HubDoor,
  HubLinks,
  HubSearch,
  PeerNetwork,
  PeerNetworkEvents,
  ReceivedPiece
} from './network.ts'
import type { PeerNetworkOptions } from './network-options.ts'
import { PeerTable } from './control/peer-table.ts'
import type { FetchOptions } from './exchange/piece-client.ts'
import type { PieceRun } from './exchange/piece-request.ts'
import { parseSeeds } from './discovery/seed.ts'
import { UploadSlots } from './exchange/upload-slots.ts'
import { noDeposits, NoHubs, nobodyFar } from './without-fleet.ts'

const noneRecalled: ReadonlyMap<Sha256Hex, string> = new Map()

/** The members of one site, as this agent sees and is seen by them; nobody where it belongs to no fleet. */
export class LanNetwork extends EventEmitter<PeerNetworkEvents> implements PeerNetwork {
  readonly self: PeerId
  readonly bootId = randomBytes(8).toString('hex') as BootId
  readonly #o: PeerNetworkOptions
  readonly #random: () => number
  readonly #identity: Identity
  readonly #table: PeerTable
  readonly #keys: KeyRing
  readonly #slots: UploadSlots
  readonly #attention = new Attention()
  readonly #fleet: Fleet | undefined
  readonly #watch: InterfaceWatch
  readonly #noHubs = new NoHubs()
  #beacon: Beacon | undefined
  #port: number | null = null
  #state: 'new' | 'started' | 'stopped' = 'new'

  constructor(
    options: PeerNetworkOptions,
    identity: Identity,
    { ca, membership }: { ca: CaFleet | undefined; membership: Membership | undefined }
  ) {
    super()
    this.#o = options
    this.#random = options.random ?? Math.random
    this.#identity = identity
    this.self = identity.id
    this.#table = new PeerTable(options.clock, () => this.emit('changed'), {
      id: identity.id,
      name: presentableName(options.name)
    })
    this.#keys = new KeyRing(membership, options.clock)
    this.#keys.met(identity.id, identity.spki)
    this.#slots = new UploadSlots(options.clock, options.settings.uploadSlots, () => this.emit('changed'))
    this.#watch = new InterfaceWatch({
      clock: options.clock,
      listing: options.listing ?? networkInterfaces,
      links:
        options.links ?? new LinkWatch(options.clock, { probe: { read: async () => noLinks }, everyMs: 3_600_000 }),
      rules: options.settings.discovery
    })
    this.#fleet =
      membership &&
      assembleFleet({
        options,
        random: this.#random,
        identity,
        bootId: this.bootId,
        membership,
        ca,
        table: this.#table,
        slots: this.#slots,
        watch: this.#watch,
        attention: this.#attention,
        isBanned: (id, key) => this.isBanned(id, key),
        refused: (refusal) => this.emit('refused', refusal),
        port: () => this.#port,
        hello: () => this.#hello()
      })
    if (this.#fleet) this.#follow(this.#fleet)
  }

  get credential(): Credential | null {
    return this.#fleet?.membership.vouch(this.#identity.spki) ?? null
  }

  fleet(): AgentSnapshot['fleet'] {
    const membership = this.#fleet?.membership
    return {
      member: membership !== undefined,
      via: membership?.via ?? 'none',
      tag: membership?.tag ?? null,
      ...this.#fleet?.ca?.view()
    }
  }

  blind(key: ContentKey): ContentKey {
    return this.#fleet?.membership.blind(key) ?? key
  }

  get far(): FarNetwork {
    return this.#fleet?.far ?? nobodyFar
  }

  get hubs(): HubLinks {
    return this.#fleet?.hubs ?? this.#noHubs
  }

  get deposits(): Deposits {
    return this.#fleet?.deposits ?? noDeposits
  }

  get door(): HubDoor | null {
    return this.#fleet?.door ?? null
  }

  configureHubs(search: HubSearch): void {
    this.#fleet?.search(search)
  }

  sign(message: Uint8Array): Buffer {
    return this.#identity.sign(message)
  }

  verifyCredential(credential: Credential, by: PeerId | null): { id: PeerId; spki: Buffer } | undefined {
    return this.#keys.introduce(credential, by)
  }

  passOn(credential: Credential): Credential {
    return this.#fleet?.membership.passOn(credential) ?? credential
  }

  memberKey(id: PeerId): Buffer | undefined {
    return this.#keys.get(id)
  }

  connected(): readonly ConnectedPeer[] {
    return this.#fleet?.connections.connected() ?? []
  }

  peer(id: PeerId): ConnectedPeer | undefined {
    return this.#fleet?.connections.peer(id)
  }

  placeOf(id: PeerId): string | null {
    return this.#fleet?.connections.placeOf(id) ?? null
  }

  nameOf(id: PeerId): string {
    return id === this.self
      ? this.#hello().name || id.slice(0, 8)
      : (this.#fleet?.deposits.nameOf(id) ?? this.#table.nameOf(id))
  }

  send(to: PeerId, message: PeerMessage): boolean {
    return this.#fleet?.connections.send(to, message) ?? false
  }

  answersNow(id: PeerId): Promise<boolean> {
    return this.#fleet?.connections.answersNow(id) ?? Promise.resolve(false)
  }

  async *fetchPieces(
    from: PeerId,
    key: ContentKey,
    plan: PiecePlan,
    run: PieceRun,
    { priority = 'foreground', ...options }: FetchOptions & { priority?: Priority }
  ): AsyncGenerator<ReceivedPiece> {
    const { first, count } = run
    if (!(first >= 0 && count >= 1 && first + count <= plan.count))
      throw new RangeError(`pieces ${first} to ${first + count} of ${plan.count}`)
    const pace = this.#o.rates?.pace('lan', priority)
    const host = this.#fleet?.deposits.hostOf(from)
    if (host)
      return yield* this.#fleet!.client.fetch(host, key, plan, run, { ...options, pace, deposit: this.blind(key) })
    const peer = this.peer(from)
    if (!peer) throw new LarderError('PEER_LOST', `${this.nameOf(from)} is not connected`, { peer: from })
    yield* this.#fleet!.client.fetch(peer, key, plan, run, { ...options, pace })
  }

  ban(id: PeerId, key: ContentKey, reason: string): void {
    this.#table.ban(id, key, reason)
    this.#slots.abort(id, key)
    this.emit('banned', id, key)
  }

  isBanned(id: PeerId, key: ContentKey): boolean {
    return this.#table.isBanned(id, key)
  }

  noteFlood(id: PeerId, reason: string): void {
    this.#fleet?.connections.noteFlood(id, reason)
  }

  get recalled(): ReadonlyMap<Sha256Hex, string> {
    return this.#fleet?.ca?.recalled ?? noneRecalled
  }

  enforceMembership(): void {
    this.#fleet?.connections.enforceMembership()
    this.#fleet?.door?.expel((id) => this.#fleet!.membership.denies(id))
  }

  view(): PeerView[] {
    return this.#table.view()
  }

  uploads(): UploadView[] {
    return this.#slots.view((id) => this.nameOf(id))
  }

  abortUploads(): void {
    this.#slots.abortAll()
  }

  interfaces(): AgentSnapshot['interfaces'] {
    if (this.#beacon) return this.#beacon.interfaces()
    const reason = this.#fleet ? 'The beacon is turned off.' : 'This PC belongs to no fleet.'
    return this.#watch.interfaces.map(({ name, address, reason: barred }) => ({
      name,
      address,
      used: false,
      reason: barred ?? reason
    }))
  }

  ports(): { peer: number | null; beacon: number | null } {
    return { peer: this.#port, beacon: this.#beacon ? this.#o.settings.ports.beacon : null }
  }

  refresh(): void {
    if (this.#state !== 'started') return
    this.#watch.refresh()
    this.#fleet?.ca?.refresh()
    this.#fleet?.connections.refresh()
    this.#fleet?.hubs.refresh()
  }

  watchClosely(on: boolean): void {
    this.#attention.turn(on)
  }

  renewHello(): void {
    this.#fleet?.connections.renewHello()
  }

  async start(): Promise<void> {
    if (this.#state !== 'new') return
    this.#state = 'started'
    if (!this.#fleet) return
    const { ports, discovery } = this.#o.settings
    const { listener, connections, ca } = this.#fleet
    this.#port = await listener.listen(discovery.listenAddress, ports.peer)
    const at = this.#o.settings.hub?.listen ?? null
    if (at !== null) await this.#fleet.entrance?.listen(at)
    await this.#watch.start()
    await ca?.start(this.#caHooks(this.#fleet))
    connections.start(parseSeeds(discovery.seeds, DEFAULT_PORTS.peer, this.#o.log))
    this.#fleet.far.start()
    if (this.#o.settings.hub) this.#fleet.search(this.#o.settings.hub)
    this.#fleet.hubs.start()
    this.emit('pathsChanged')
    this.#watch.on('changed', () => {
      connections.pathsChanged()
      this.#fleet?.far.networkChanged()
      this.#fleet?.srv.refresh()
      this.#fleet?.hubs.refresh()
      this.#fleet?.hubs.announce()
      this.emit('pathsChanged')
      this.emit('changed')
    })
    // A beacon on a port of its own would reach nobody.
    if (discovery.beacon && ports.beacon !== 0) {
      this.#beacon = this.#fleet.beacon()
      this.#beacon.on('changed', () => this.emit('changed'))
      await this.#beacon.start()
    }
    this.emit('changed')
  }

  async stop(): Promise<void> {
    if (this.#state !== 'started') return
    this.#state = 'stopped'
    if (!this.#fleet) return
    this.#watch.stop()
    this.#fleet.ca?.stop()
    await this.#beacon?.stop()
    this.#fleet.client.close()
    this.#fleet.far.stop()
    this.#fleet.srv.stop()
    this.#fleet.hubs.stop()
    this.#fleet.door?.close()
    await this.#fleet.entrance?.close()
    this.#fleet.connections.stop()
    await this.#fleet.listener.close()
  }

  #follow({ connections, far, ca }: Fleet): void {
    connections.on('proven', ({ remote }) => this.#keys.met(remote.id, remote.spki))
    connections.on('connected', (peer) => {
      ca?.connected(peer.id)
      this.emit('connected', peer)
    })
    connections.on('near', (peer) => this.emit('near', peer))
    connections.on('lost', (peer, reason) => {
      ca?.lost(peer.id)
      this.emit('lost', peer, reason)
    })
    connections.on('fleet', (from, message) => ca?.heard(from, message))
    connections.on('message', (from, message) => {
      far.used(from)
      // A ban is for one content.
      if (!('key' in message) || !this.isBanned(from, message.key)) this.emit('message', from, message)
    })
  }

  #caHooks({ connections, renew }: Fleet): CaFleetHooks {
    return {
      connected: () => connections.connected().map(({ id }) => id),
      send: (to, message) => void connections.send(to, message),
      offended: (peer, reason) => connections.cut(peer, reason),
      enforce: () => this.enforceMembership(),
      recalled: () => this.emit('recalled'),
      renewed: (credential) => {
        renew(credential)
        this.emit('changed')
      },
      notice: (text) => this.emit('notice', text)
    }
  }

  #hello(): Hello {
    const { name, version, weight } = this.#o
    return {
      t: 'hello',
      name: presentableName(name),
      version: version.slice(0, 32),
      port: this.#port ?? 1,
      weight: Math.min(99, Math.max(0, Math.round(weight()))),
      answersKept: true,
      hearsChecks: true
    }
  }
}
