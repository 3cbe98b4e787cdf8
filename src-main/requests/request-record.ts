import type { AskedBy } from '../contract/asked-by.ts'
import type { ContentKey, PeerId, RequestId } from '../contract/ids.ts'
import {
  reasonTexts,
  type ReasonCode,
  type RequestSpec,
  type RequestView,
  type SourceSplit
} from '../contract/request.ts'
import type { LarderError } from '../lib/errors.ts'
import type { TransferWorld } from '../transfers/job.ts'
import { RateMeter } from '../lib/rate-meter.ts'
import type { JoinedTransfer } from '../transfers/supply.ts'
import type { FoundRoute } from './choose-route.ts'
import type { Outcome } from './request-machine.ts'
import { whyPrivate } from './why-private.ts'

const MAX_REASONS = 8

/** What is known of one request so far, as people and programs see it. Written by its request alone. */
export class RequestRecord {
  readonly createdMs: number
  key: ContentKey | null = null
  lengthBytes: number | null = null
  outcome: Outcome | null = null
  stale = false
  /** It goes by this transfer now. */
  transfer: JoinedTransfer | null = null
  readonly #world: TransferWorld
  readonly #askedBy: AskedBy | null
  readonly #createdWallMs: number
  readonly #directRate: RateMeter
  #reasons: RequestView['reasons'] = []
  #split: SourceSplit = { originBytes: 0, peerBytes: 0, cacheBytes: 0 }
  /** `#split` is that of a transfer, which counts it itself. */
  #viaTransfer = false
  #direct = false
  #keptBytes = 0
  #error: LarderError | null = null
  #finished: { readonly ms: number; readonly wallMs: number } | null = null
  #firstByteMs: number | null = null
  #master: PeerId | null = null

  constructor(world: TransferWorld, askedBy: AskedBy | null) {
    this.#world = world
    this.#askedBy = askedBy
    this.createdMs = world.clock.monotonicMs()
    this.#createdWallMs = world.clock.wallMs()
    this.#directRate = new RateMeter(world.clock)
  }

  /** Monotonic; null: not yet. */
  get finishedMs(): number | null {
    return this.#finished?.ms ?? null
  }

  /** Bytes that came for this request alone, past any transfer. */
  get ownSplit(): Readonly<Pick<SourceSplit, 'originBytes' | 'cacheBytes'>> {
    return this.#viaTransfer ? { originBytes: 0, cacheBytes: 0 } : this.#split
  }

  /** @returns false when the last one was the same */
  addReason(code: ReasonCode): boolean {
    const last = this.#reasons.at(-1)?.code
    if (last === code || (last === 'version-changed' && isElection(code))) return false
    // It was elected for another version than it has, which may be nobody else's.
    if (code === 'version-changed') this.#reasons = this.#reasons.filter((reason) => !isElection(reason.code))
    this.#reasons.push({ code, text: reasonTexts[code], at: this.#world.clock.wallMs() })
    if (this.#reasons.length > MAX_REASONS) this.#reasons.shift()
    return true
  }

  /** Its bytes are to be had this way. @param asPrivate the program said that it is private */
  noteRoute(route: FoundRoute, asPrivate: boolean): void {
    switch (route.by) {
      case 'cache':
        this.stale = route.stale
        this.key = route.key ?? this.key
        return
      case 'transfer':
        this.stale = route.stale
        this.key = route.init.key
        this.lengthBytes = route.init.plan.lengthBytes
        return
      case 'whole':
        this.key = route.key
        this.lengthBytes = route.version.lengthBytes
        if (route.reason !== null) this.addReason(route.reason)
        return
      case 'file':
        this.lengthBytes = route.version.lengthBytes
        this.addReason(route.tooLarge ? 'too-large' : whyPrivate(route.version, asPrivate))
    }
  }

  noteFirstByte(): void {
    this.#firstByteMs ??= Math.round(this.#world.clock.monotonicMs() - this.createdMs)
  }

  /** Its bytes are in the cache. @param bytes of them that it wants */
  fromCache(bytes: number): void {
    this.#viaTransfer = false
    this.#split = { originBytes: 0, peerBytes: 0, cacheBytes: bytes }
    this.noteFirstByte()
  }

  /** It downloads by itself from now on, from the beginning. */
  goDirect(): void {
    this.#direct = true
    this.#viaTransfer = false
    this.#split = { originBytes: 0, peerBytes: 0, cacheBytes: 0 }
  }

  /** It has downloaded this many more bytes by itself. */
  receivedDirectly(bytes: number): void {
    this.#split.originBytes += bytes
    this.#directRate.add(bytes)
    this.noteFirstByte()
  }

  /** So many bytes of an earlier try lie beside its destination already. */
  keptDirectly(bytes: number): void {
    this.#keptBytes = bytes
  }

  /** Takes over what its transfer shows. */
  followTransfer(): void {
    const { transfer } = this
    if (!transfer) return
    if (transfer.split.originBytes + transfer.split.peerBytes > 0) this.noteFirstByte()
    this.#master = transfer.master ?? this.#master
  }

  /** Keeps what its transfer has come to, and forgets it. */
  leaveTransfer(): void {
    const { transfer } = this
    if (!transfer) return
    this.#split = { ...transfer.split }
    this.#viaTransfer = true
    this.#master = transfer.master ?? this.#master
    this.transfer = null
  }

  end(error: LarderError | null): void {
    this.#error = error
    this.#finished = { ms: this.#world.clock.monotonicMs(), wallMs: this.#world.clock.wallMs() }
  }

  /** @param told what it is doing now */
  view(id: RequestId, url: string, spec: RequestSpec, told: Pick<RequestView, 'state' | 'waitingFor'>): RequestView {
    const { transfer } = this
    const master = transfer?.master ?? this.#master
    return {
      id,
      url,
      kind: spec.kind,
      priority: spec.priority,
      destination: spec.destination ?? null,
      askedBy: this.#askedBy,
      ...told,
      key: this.key,
      sha256: this.outcome?.sha256 ?? null,
      lengthBytes: this.lengthBytes,
      haveBytes: this.outcome
        ? this.outcome.lengthBytes
        : (transfer?.haveBytes ?? this.#keptBytes + this.#split.originBytes),
      arrivingBytes: this.#finished ? 0 : (transfer?.arrivingBytes ?? 0),
      split: { ...(transfer?.split ?? this.#split) },
      rateBytesPerSecond: this.#finished
        ? 0
        : (transfer?.rateBytesPerSecond ?? (this.#direct ? this.#directRate.bytesPerSecond : 0)),
      // What waits for its turn is nobody's master yet.
      role: told.waitingFor?.what === 'slot' ? 'none' : this.#direct ? 'direct' : (transfer?.role ?? 'none'),
      master,
      masterName: master ? this.#world.network.nameOf(master) : null,
      stale: this.stale,
      verifiedBy: this.outcome?.verifiedBy ?? null,
      reasons: [...this.#reasons],
      error: this.#error?.toView() ?? null,
      createdAt: this.#createdWallMs,
      finishedAt: this.#finished?.wallMs ?? null,
      firstByteMs: this.#firstByteMs,
      elapsedMs: Math.round((this.#finished?.ms ?? this.#world.clock.monotonicMs()) - this.createdMs)
    }
  }
}

function isElection(code: ReasonCode): boolean {
  return code === 'elected' || code === 'elected-for-site'
}
