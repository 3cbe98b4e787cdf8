import { EventEmitter } from 'node:events'
import type { Agent } from 'node:http'
import type { Duplex } from 'node:stream'
import type { SecureContext } from 'node:tls'
import { FromHub, type ToHub } from '../../contract/hub-messages.ts'
import type { HubProblem } from '../../contract/hub-view.ts'
import type { BootId, PeerId } from '../../contract/ids.ts'
import type { Clock, Timer } from '../../lib/clock.ts'
import { DialLoop, type AttemptResult } from '../control/dial-loop.ts'
import { dialControl, type DialOutcome, type ProvenSocket } from '../control/dial.ts'
import type { Identity } from '../fleet/identity.ts'
import type { Membership } from '../fleet/membership.ts'
import type { ConnectedHub, HubLinks, HubLinksEvents, HubState } from '../network.ts'
import { EarlyEnds } from './early-ends.ts'
import { HubChannel } from './hub-channel.ts'
import { placeOfHub, type HubPlace } from './hub-url.ts'
import { NoTunnel, openTunnel } from './tunnel-dial.ts'

/** A hub says who it is within this time. */
const HELLO_MS = 5000

interface HubDialsOptions {
  readonly clock: Clock
  readonly random: () => number
  readonly identity: Identity
  readonly bootId: BootId
  readonly membership: Membership
  readonly secureContext: () => SecureContext
  /** What a hub is told of this agent, first of all. */
  readonly card: () => ToHub
  readonly barred: (ownAddress: string | undefined) => string | null
  /** What leads to a reverse proxy. */
  readonly outerAgent: (url: string) => Promise<Agent>
}

interface Entry {
  readonly url: string
  readonly place: HubPlace
  readonly loop: DialLoop
  state: HubState['state']
  reason: string | null
  problem: HubProblem | null
  skewMs: number | null
  readonly early: EarlyEnds
  sinceMs: number
  id: PeerId | null
  channel?: HubChannel<FromHub, ToHub>
  connected?: ConnectedHub
  helloLimit?: Timer
}

/**
 * One connection to each hub of the settings, kept open: whether there is a hub is known before anybody asks for anything, so
 * nobody waits to find out.
 */
export class HubDials extends EventEmitter<HubLinksEvents> implements HubLinks {
  readonly #o: HubDialsOptions
  readonly #entries = new Map<string, Entry>()
  #running = false
  #urls: readonly string[] = []

  constructor(options: HubDialsOptions) {
    super()
    this.#o = options
  }

  get inUse(): boolean {
    return [...this.#entries.values()].some(({ state }) => state !== 'self')
  }

  start(): void {
    this.#running = true
    this.configure(this.#urls)
  }

  /** Those that are new are dialled, those that are gone are left. */
  configure(urls: readonly string[]): void {
    this.#urls = urls
    if (!this.#running) return
    for (const [url, entry] of this.#entries) {
      if (urls.includes(url)) continue
      entry.loop.stop()
      entry.channel?.close('stopped')
      this.#entries.delete(url)
    }
    for (const url of urls) if (!this.#entries.has(url)) this.#add(url)
    this.emit('changed')
  }

  /** Network or power changed: tries at once. */
  refresh(): void {
    for (const { loop, channel } of this.#entries.values()) {
      loop.encourage()
      if (!channel) loop.soon(0)
    }
  }

  /** Where this agent can be reached has changed. */
  announce(): void {
    for (const entry of this.#entries.values()) entry.channel?.send(this.#cardFor(entry))
  }

  connected(): readonly ConnectedHub[] {
    const hubs = new Map<PeerId, ConnectedHub>()
    for (const { connected } of this.#entries.values()) if (connected) hubs.set(connected.id, connected)
    return [...hubs.values()]
  }

  send(hub: PeerId, message: ToHub): boolean {
    for (const { connected, channel } of this.#entries.values())
      if (connected?.id === hub) return channel?.send(message) ?? false
    return false
  }

  view(): HubState[] {
    const nowMs = this.#o.clock.monotonicMs()
    return [...this.#entries.values()].map(
      ({ url, id, state, reason, problem, skewMs, early, sinceMs, connected }) => ({
        url,
        id,
        state,
        reason,
        problem: early.areMany(nowMs) ? 'cut' : problem,
        skewMs,
        sinceMs,
        name: connected?.hello.name ?? null,
        site: connected?.hello.site ?? null,
        apart: connected?.hello.apart ?? false
      })
    )
  }

  stop(): void {
    this.#running = false
    for (const { loop, channel } of this.#entries.values()) {
      loop.stop()
      channel?.close('stopped')
    }
    this.#entries.clear()
  }

  #add(url: string): void {
    const { clock, random } = this.#o
    const place = placeOfHub(url)
    if (!place) return
    const entry: Entry = {
      url,
      place,
      loop: new DialLoop(clock, random, (signal) => this.#attempt(entry, signal)),
      state: 'connecting',
      reason: null,
      problem: null,
      skewMs: null,
      early: new EarlyEnds(),
      sinceMs: clock.wallMs(),
      id: null
    }
    this.#entries.set(url, entry)
    entry.loop.soon(0)
  }

  async #attempt(entry: Entry, signal: AbortSignal): Promise<AttemptResult> {
    if (entry.channel) return 'done'
    const { clock, identity, bootId, membership, secureContext, barred } = this.#o
    let to: { host: string; port: number; through?: Duplex }
    try {
      to = await this.#wayTo(entry.place, signal)
    } catch (error) {
      this.#set(
        entry,
        'lost',
        error instanceof NoTunnel ? error.message : `cannot be dialled (${(error as Error).message})`,
        error instanceof NoTunnel ? error.problem : 'unreachable'
      )
      return 'retry'
    }
    const outcome = await dialControl({
      ...to,
      identity,
      membership,
      bootId,
      secureContext: secureContext(),
      clock,
      signal,
      // Through a proxy it leaves this PC like any other HTTPS.
      barred: to.through ? () => null : barred,
      use: 'hub',
      recognise: (id) => (this.#usedInstead(entry, id) ? 'duplicate' : 'go'),
      proven: (connection) => this.#adopt(entry, connection)
    })
    if (outcome.kind === 'proven') return 'done'
    if (outcome.kind === 'duplicate') {
      const other = this.#usedInstead(entry, outcome.id)
      this.#set(entry, 'lost', other ? `is the hub at ${other.url}, too` : reasonOf(outcome), null)
      return 'retry'
    }
    this.#set(
      entry,
      outcome.kind === 'self' ? 'self' : outcome.kind === 'refused' ? 'refused' : 'lost',
      reasonOf(outcome),
      outcome.kind === 'refused' ? 'refused' : outcome.kind === 'self' ? null : 'unreachable'
    )
    return outcome.kind === 'self' ? 'done' : 'retry'
  }

  /** Of several ways to one hub one is used, rather one without a proxy: a hub has one connection to each agent. */
  #usedInstead(entry: Entry, id: PeerId): Entry | undefined {
    return this.#othersTo(entry, id).find(({ place }) => place.is === 'direct' || entry.place.is === 'tunnel')
  }

  #othersTo(entry: Entry, id: PeerId): Entry[] {
    return [...this.#entries.values()].filter((other) => other !== entry && other.channel && other.id === id)
  }

  async #wayTo(place: HubPlace, signal: AbortSignal): Promise<{ host: string; port: number; through?: Duplex }> {
    if (place.is === 'direct') return place.seed
    const { clock, outerAgent } = this.#o
    const through = await openTunnel({ url: place.url, agent: await outerAgent(place.url), clock, signal })
    return { host: new URL(place.url).hostname, port: 0, through }
  }

  #adopt(entry: Entry, { ws, remote }: ProvenSocket): void {
    const { clock } = this.#o
    if (!this.#running || this.#entries.get(entry.url) !== entry) return ws.terminate()
    for (const other of this.#othersTo(entry, remote.id)) other.channel!.close('is connected again')
    const channel = new HubChannel<FromHub, ToHub>(ws, clock, FromHub)
    entry.channel = channel
    entry.id = remote.id
    entry.helloLimit = clock.after(HELLO_MS, () => channel.close('did not say who it is'))
    channel.send(this.#cardFor(entry))
    channel.on('message', (message) => {
      if (message.t !== 'hub.hello') {
        if (entry.connected) this.emit('message', remote.id, message)
        return
      }
      const before = entry.connected?.hello
      entry.helloLimit?.cancel()
      entry.loop.encourage()
      const at = entry.place.is === 'direct' ? entry.place.seed : null
      entry.connected = { id: remote.id, url: entry.url, hello: message, at }
      entry.skewMs = message.wallMs === undefined ? null : message.wallMs - clock.wallMs()
      this.#set(entry, 'connected', null, null)
      // In another site, or at another hub's table, it has to claim again.
      if (before?.site !== message.site || before.cluster !== message.cluster) this.emit('up', entry.connected)
    })
    entry.early.begun(clock.monotonicMs())
    channel.once('end', (reason, kind) => {
      entry.early.ended(kind === 'lost' && entry.place.is === 'tunnel', clock.monotonicMs())
      entry.helloLimit?.cancel()
      const { connected } = entry
      delete entry.channel
      delete entry.connected
      if (this.#entries.get(entry.url) === entry) {
        this.#set(entry, 'lost', reason, 'unreachable')
        if (this.#running) entry.loop.later()
      }
      if (connected) this.emit('down', connected, reason)
    })
  }

  /** Pieces do not go through proxies. */
  #cardFor({ place }: Entry): ToHub {
    const card = this.#o.card()
    return card.t === 'hub.card' ? { ...card, deposit: place.is === 'direct' } : card
  }

  #set(entry: Entry, state: HubState['state'], reason: string | null, problem: HubProblem | null): void {
    if (entry.state !== state) entry.sinceMs = this.#o.clock.wallMs()
    entry.state = state
    entry.reason = reason
    entry.problem = problem
    this.emit('changed')
  }
}

function reasonOf(outcome: DialOutcome): string {
  switch (outcome.kind) {
    case 'unreachable':
    case 'refused':
      return outcome.reason
    case 'self':
      return 'is this PC itself'
    case 'later':
      return 'has no room for this PC now'
    default:
      return 'is connected already'
  }
}
