import type { CachedContent } from '../../cache/cache.ts'
import { recordOf } from '../../cache/provenance.ts'
import type { ContentKey } from '../../contract/ids.ts'
import type { ContentKind } from '../../contract/request.ts'
import { hasCode } from '../../lib/errors.ts'
import type { OriginVersion } from '../../origin/origin.ts'
import type { TransferWorld } from '../job.ts'
import { firstDifference, Sampler } from './sampler.ts'
import { sourceOf } from './source-facts.ts'

export interface CachedQuestion {
  readonly content: CachedContent
  /** The key under which it was found. */
  readonly key: ContentKey
  /** As the origin has just confirmed it. */
  readonly version: OriginVersion
  readonly kind: ContentKind
  readonly headers: Record<string, string> | undefined
  readonly signal: AbortSignal
}

export type CheckedWorld = Pick<
  TransferWorld,
  'cache' | 'origin' | 'network' | 'settings' | 'random' | 'clock' | 'networks' | 'evidence'
>

/** For what is in the cache at the word of members alone, each use is another occasion to compare it with the origin. */
export class CachedCheck {
  readonly #world: CheckedWorld
  readonly #sampled: (bytes: number) => void

  /** @param sampled content bytes were asked of the origin */
  constructor(world: CheckedWorld, sampled: (bytes: number) => void) {
    this.#world = world
    this.#sampled = sampled
  }

  /** @returns false when it is not what the origin has: its signer is banned, and it is taken out of the cache */
  async holds(question: CachedQuestion): Promise<boolean> {
    const { content, key, version, kind, headers, signal } = question
    const { cache, evidence, settings } = this.#world
    if (key.startsWith('sha256:') || settings.sharing.withoutDigest === 'trust') return true
    const { verifiedBy, signers } = cache.provenance(key) ?? { verifiedBy: 'members', signers: null }
    if (signers?.some(({ id }) => evidence.distrusts(id))) {
      await evidence.recall(content.sha256, 'a PC that signed pieces of it has lied about others')
      return false
    }
    const suspicious = signers?.some(({ id }) => evidence.suspects(id)) ?? false
    if (verifiedBy !== 'members' && !suspicious) return true
    const { plan } = content
    const sampler = new Sampler(this.#world, { version, headers, plan, kind, signal, suspicious: () => suspicious })
    try {
      const sample = await sampler.take([{ start: 0, end: plan.lengthBytes }])
      if (sample.is !== 'spans') return this.#unchecked
      const differs = await this.#difference(question, sample.spans)
      if (differs === null) {
        cache.noteChecked(key, { verifiedBy: 'sample', source: sourceOf(version, this.#world) })
        return true
      }
      return await this.#convict(question, differs, await sampler.digestAtOrigin(differs))
    } catch (error) {
      if (signal.aborted || hasCode(error, 'ORIGIN_CHANGED')) throw error
      return this.#unchecked
    } finally {
      this.#sampled(sampler.receivedBytes)
    }
  }

  get #unchecked(): boolean {
    return this.#world.settings.sharing.withoutDigest !== 'strict'
  }

  async #difference(
    { content: { plan, sha256 } }: CachedQuestion,
    spans: Parameters<typeof firstDifference>[1]
  ): Promise<number | null> {
    const reader = await this.#world.cache.open(sha256)
    if (!reader) return null
    try {
      return await firstDifference(
        plan,
        spans,
        (index, into) => reader.read(index * plan.pieceBytes, into.length, into),
        () => true
      )
    } finally {
      await reader.close()
    }
  }

  /** @param truth SHA-256 of the piece as the origin has it, which was asked twice */
  async #convict(
    { content: { sha256 }, key, version }: CachedQuestion,
    index: number,
    truth: Buffer
  ): Promise<boolean> {
    const { cache, evidence } = this.#world
    const reader = await cache.open(sha256)
    if (!reader) return false
    const digest = Buffer.from(reader.pieceDigests.subarray(index * 32, index * 32 + 32))
    const provenance = reader.provenances.find((one) => one.key === key)
    await reader.close()
    if (digest.equals(truth)) {
      // Damaged on this disk, or the origin contradicts itself: nobody is accused.
      await cache.remove(sha256).catch(() => {})
      return false
    }
    const record = provenance && recordOf(provenance, index, digest)
    if (record) {
      const credential = provenance.signers.find(({ id }) => id === record.signer)?.credential ?? null
      evidence.prove({ key, url: version.finalUrl, record, truth, credential })
    }
    await evidence.recall(sha256, 'it is not what the origin has')
    return false
  }
}
