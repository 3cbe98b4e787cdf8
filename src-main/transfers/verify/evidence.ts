import { hash } from 'node:crypto'
import type { Cache, StoredVersion } from '../../cache/cache.ts'
import type { ContentKey, PeerId, Sha256Hex } from '../../contract/ids.ts'
import type { EvidenceMessage } from '../../contract/peer-messages.ts'
import { sleep } from '../../lib/clock.ts'
import { hasCode, LarderError } from '../../lib/errors.ts'
import { shortId } from '../../lib/short-id.ts'
import type { OriginVersion } from '../../origin/origin.ts'
import { urlOfSource } from '../../origin/variants.ts'
import { pieceLength, pieceStart, planPieces } from '../../pieces/plan.ts'
import { decodeRecord, encodeRecord, type PieceRecord } from '../../pieces/record.ts'
import type { TransferWorld } from '../job.ts'
import { Accusers } from './accusers.ts'
import type { Distrust } from './distrust.ts'
import { fetchSpan, NO_RANGES } from './origin-spans.ts'
import type { Proof, Trust } from './trust.ts'

const DAY_MS = 24 * 3600_000
/** How long a liar is not believed. Over http somebody else may have spoken for the origin. */
const BAN_MS = { https: 30 * DAY_MS, http: DAY_MS } as const
const SUSPICION_MS = DAY_MS
const MAX_SUSPECTS = 256
const CHECK_LIMIT_MS = 30_000
/** No content waits longer for what others say of it. */
const SETTLE_MS = 5000
/** A content that is being read is removed when its reader has gone. */
const REMOVE_AGAIN_MS = 2000
const REMOVE_TRIES = 150

export interface EvidenceWorld extends Pick<
  TransferWorld,
  'clock' | 'cache' | 'origin' | 'network' | 'records' | 'emit' | 'changed'
> {
  readonly distrust: Distrust
  /** The version a running transfer is about, when one runs. */
  readonly versionOf: (key: ContentKey) => OriginVersion | undefined
  /** What a running transfer has of a piece, and who signed it. */
  readonly signed: (key: ContentKey, index: number) => Pick<Proof, 'record' | 'credential'> | undefined
  /** Where contents were put for programs, in this run and before. */
  readonly deliveries: {
    /** Whoever got it is told now, and not again. */
    take(sha256: Sha256Hex): readonly { readonly url: string; readonly destination: string }[]
    /** Contents that nothing but its word or a sample spoke for. */
    signedBy(signer: PeerId): readonly Sha256Hex[]
  }
}

/**
 * What is done about a member that signed what is not true: it is believed no more, everything it signed goes, its people and the
 * other members are told. Others' evidence is checked at the origin first, and only for what this PC asked for itself.
 */
export class Evidence implements Trust {
  readonly #world: EvidenceWorld
  readonly #suspects = new Map<PeerId, number>()
  readonly #accusers: Accusers
  /** Accusations that are looked at, by content and what is said. */
  readonly #checking = new Map<ContentKey, Map<string, Promise<void>>>()

  constructor(world: EvidenceWorld) {
    this.#world = world
    this.#accusers = new Accusers(world.clock, (id) => world.network.placeOf(id))
  }

  distrusts(id: PeerId): boolean {
    return this.#world.distrust.has(id)
  }

  /** Somebody accuses it of a content that this PC cannot check. */
  suspects(id: PeerId): boolean {
    const until = this.#suspects.get(id)
    return until !== undefined && until > this.#world.clock.monotonicMs()
  }

  /** This PC has seen at the origin that the record is a lie. */
  prove({ key, url, record, truth, credential }: Proof): void {
    const { clock, distrust, network, emit } = this.#world
    if (record.signer === network.self) return
    const at = clock.wallMs()
    const isNew = distrust.add({
      peer: record.signer,
      at,
      until: at + BAN_MS[url.startsWith('https:') ? 'https' : 'http'],
      key,
      url: withoutQuery(url),
      record: encodeRecord(record).toString('base64url'),
      credential,
      truth: truth.toString('hex') as Sha256Hex
    })
    if (!isNew) return
    const peerName = network.nameOf(record.signer)
    emit(
      'peerDistrusted',
      // Whoever lies chooses its name as well.
      `${peerName}, id ${shortId(record.signer)}, is believed no more: it signed piece ${record.index} of ${withoutQuery(url)}, which is not what the origin has.`,
      {
        key,
        url: withoutQuery(url),
        peer: record.signer,
        peerName,
        reason: 'peer-corrupt',
        code: 'PIECE_DIGEST_MISMATCH'
      }
    )
    network.enforceMembership()
    if (credential)
      for (const { id } of network.connected())
        if (id !== record.signer)
          network.send(id, {
            t: 'evidence',
            key,
            record: encodeRecord(record).toString('base64url'),
            signer: network.passOn(credential)
          })
    this.#recall(record.signer, peerName)
    this.#world.changed()
  }

  /** Another member says that a record is a lie. */
  async heard(from: PeerId, message: EvidenceMessage): Promise<void> {
    const { network, records } = this.#world
    if (!this.#accusers.mayAccuse(from)) return
    const record = readRecord(message.record)
    const signer = record && network.verifyCredential(message.signer, from)
    if (!record || signer?.id !== record.signer || record.signer === network.self) return
    if (this.distrusts(record.signer) || !records.verify(message.key, record, signer.spki)) return
    const version = this.#world.versionOf(message.key) ?? this.#stored(message.key)
    if (!version) return this.#suspect(record.signer, from)
    const checking = this.#checking.get(message.key) ?? new Map<string, Promise<void>>()
    const name = `${record.index} ${record.signer}`
    if (checking.has(name)) return
    if (!this.#accusers.mayCheck(from)) return this.#suspect(record.signer, from)
    this.#checking.set(message.key, checking)
    const check = this.#check(from, message, version, record).finally(() => {
      checking.delete(name)
      if (checking.size === 0) this.#checking.delete(message.key)
    })
    checking.set(name, check)
    await check
  }

  async settled(key: ContentKey): Promise<void> {
    const checks = this.#checking.get(key)
    if (!checks) return
    const { clock } = this.#world
    const limit = new AbortController()
    const checked = Promise.all(checks.values()).finally(() => limit.abort())
    await Promise.race([checked, sleep(clock, SETTLE_MS, limit.signal).catch(() => {})])
  }

  async #check(from: PeerId, { key, signer }: EvidenceMessage, version: OriginVersion, record: PieceRecord) {
    try {
      const truth = await this.#askOrigin(version, record.index)
      if (!truth || truth.equals(record.digest)) return
      // An origin that says something else each time speaks against nobody.
      if (!(await this.#askOrigin(version, record.index))?.equals(truth)) return
      this.prove({ key, url: version.url, record, truth, credential: signer })
      // Somebody else may have given this PC another lie about the same piece.
      const own = this.#world.signed(key, record.index)
      if (own && !own.record.digest.equals(truth)) this.prove({ key, url: version.url, truth, ...own })
    } catch {
      this.#suspect(record.signer, from)
    }
  }

  /** A URL this PC asked for itself, whether its content is still here or not. */
  #stored(key: ContentKey): OriginVersion | undefined {
    const stored = this.#world.cache.versionOf(key)
    // With which fields one of several representations was asked for is not kept.
    return stored && urlOfSource(stored.url) === stored.url ? originVersionOf(stored) : undefined
  }

  async #askOrigin(version: OriginVersion, index: number): Promise<Buffer | undefined> {
    const { origin, clock } = this.#world
    const plan = planPieces(version.lengthBytes ?? 0)
    if (index >= plan.count) return undefined
    const start = pieceStart(plan, index)
    const abort = new AbortController()
    const limit = clock.after(CHECK_LIMIT_MS, () => abort.abort(new LarderError('TIMEOUT', 'The origin is too slow')))
    try {
      const piece = await fetchSpan(
        { origin, version, headers: undefined, signal: abort.signal, received: () => {} },
        { start, end: start + pieceLength(plan, index) }
      )
      return piece === NO_RANGES ? undefined : hash('sha256', piece.bytes, 'buffer')
    } finally {
      limit.cancel()
    }
  }

  /** @param accuser on whose word */
  #suspect(id: PeerId, accuser: PeerId): void {
    if (this.suspects(id) || !this.#accusers.maySuspect(accuser)) return
    this.#suspects.delete(id)
    this.#suspects.set(id, this.#world.clock.monotonicMs() + SUSPICION_MS)
    if (this.#suspects.size > MAX_SUSPECTS) this.#suspects.delete(this.#suspects.keys().next().value!)
  }

  /** Everything it signed goes, but what a digest of the whole speaks for. */
  #recall(liar: PeerId, peerName: string): void {
    const { cache, deliveries } = this.#world
    const signed = cache.signedBy(liar)
    const named = new Set(signed.filter(({ key }) => key.startsWith('sha256:')).map(({ sha256 }) => sha256))
    // What has been evicted meanwhile was delivered all the same.
    for (const sha256 of new Set([...signed.map((one) => one.sha256), ...deliveries.signedBy(liar)]))
      if (!named.has(sha256)) void this.recall(sha256, `${peerName} signed pieces of it and has lied about others`)
  }

  /** Takes a content out of the cache and tells whoever got it. @param why a clause */
  async recall(sha256: Sha256Hex, why: string): Promise<void> {
    const { cache, deliveries, emit } = this.#world
    const entry = cache.detail(sha256)?.entry
    const delivered = deliveries.take(sha256)
    if (!entry && delivered.length === 0) return
    const places = [...new Set(delivered.map(({ destination }) => destination))]
    const url = entry?.urls[0] ?? delivered[0]?.url
    emit(
      'contentRecalled',
      `${url ? withoutQuery(url) : sha256} was recalled: ${why}.${
        places.length > 0 ? ` It had been delivered to ${places.slice(0, 5).join(', ')}: do not use it.` : ''
      }`.slice(0, 1000),
      url ? { url: withoutQuery(url) } : {}
    )
    if (entry) await this.#remove(cache, sha256, REMOVE_TRIES)
  }

  /** The first try is waited for. */
  async #remove(cache: Cache, sha256: Sha256Hex, tries: number): Promise<void> {
    try {
      await cache.remove(sha256)
    } catch (error) {
      if (hasCode(error, 'CACHE_BUSY') && tries > 1)
        this.#world.clock.after(REMOVE_AGAIN_MS, () => void this.#remove(cache, sha256, tries - 1))
    }
  }
}

/** A version as it can be asked for when only the cache knows it. */
export function originVersionOf(stored: StoredVersion): OriginVersion {
  const { url, etag, lastModified, lengthBytes, policy } = stored
  return {
    url,
    finalUrl: url,
    etag,
    lastModified,
    lengthBytes,
    sha256: null,
    ranges: true,
    unshareable: null,
    storable: true,
    policy
  }
}

function readRecord(text: string): PieceRecord | undefined {
  try {
    return decodeRecord(Buffer.from(text, 'base64url'))
  } catch {
    return undefined
  }
}

function withoutQuery(text: string): string {
  const url = new URL(text)
  url.username = ''
  url.password = ''
  url.search = ''
  return url.href
}
