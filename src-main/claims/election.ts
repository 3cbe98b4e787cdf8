// Why it is like this: docs/decisions/0040-the-election-waits-for-answers.md
import type { ContentKey, PeerId } from '../contract/ids.ts'
import { tieScore } from './rendezvous.ts'

/** A claimant as the election sees it. */
export interface Candidate {
  readonly id: PeerId
  /** Verified pieces it holds. */
  readonly pieces: number
  /** 0–99; 0 is never elected. */
  readonly weight: number
  readonly eligible: boolean
  /** What its weight was decided on, for people. */
  readonly about?: string | undefined
  /** Only who seeks can be elected: an agent fetches from an origin only what its own user asked for. */
  readonly role: 'seeking' | 'mastering' | 'holding'
}

export interface Election<C extends Candidate = Candidate> {
  /** Best first; those who cannot be elected come last. */
  readonly order: readonly C[]
  /** First of the order, or null when nobody can be elected. */
  readonly winner: C | null
  /** The reason for people, one clause without a full stop. */
  readonly why: string
}

/** True when this candidate may become master at all. */
export function isElectable(c: Candidate): boolean {
  return c.eligible && c.weight > 0 && c.role !== 'holding'
}

/**
 * Elects the master of a content: pieces held ↓, weight ↓, then a hash nobody can choose.
 *
 * @param pieceCount pieces of the whole content, for the sentence only
 */
export function elect<C extends Candidate>(key: ContentKey, candidates: Iterable<C>, pieceCount: number): Election<C> {
  const ranked = [...candidates].map((c) => ({ c, tie: '' }))
  if (ranked.length > 1) for (const r of ranked) r.tie = tieScore(key, r.c.id)
  ranked.sort(
    (a, b) =>
      Number(isElectable(b.c)) - Number(isElectable(a.c)) ||
      b.c.pieces - a.c.pieces ||
      b.c.weight - a.c.weight ||
      (a.tie < b.tie ? 1 : a.tie > b.tie ? -1 : a.c.id < b.c.id ? -1 : 1)
  )
  const order = ranked.map((r) => r.c)
  const [best, second] = order
  if (best === undefined) return { order, winner: null, why: 'nobody asks for it' }
  if (!isElectable(best)) return { order, winner: null, why: whyNobody(order) }
  if (second === undefined) return { order, winner: best, why: 'the only one that asks for it' }
  if (!isElectable(second)) return { order, winner: best, why: 'the only one that may download' }
  if (best.pieces > second.pieces)
    return { order, winner: best, why: `most pieces (${best.pieces} of ${Math.max(pieceCount, best.pieces)})` }
  if (best.weight > second.weight) return { order, winner: best, why: `highest weight (${best.weight})` }
  return { order, winner: best, why: 'tie broken by hash' }
}

function whyNobody(order: readonly Candidate[]): string {
  const seekers = order.filter((c) => c.role !== 'holding')
  if (seekers.length === 0) return 'nobody asks for it'
  if (seekers.every((c) => c.weight === 0)) return 'nobody may download: weight 0 everywhere'
  return 'nobody may download: all are paused, out of space, on a VPN or metered link, or have weight 0'
}

/** One of two masters that met after a split. */
export interface RivalMaster {
  readonly id: PeerId
  readonly epoch: number
  readonly pieces: number
}

/** Which of two masters stays: the higher (epoch, pieces, id). Says why. */
export function settleRivals(a: RivalMaster, b: RivalMaster): { stays: RivalMaster; why: string } {
  if (a.epoch !== b.epoch)
    return { stays: a.epoch > b.epoch ? a : b, why: 'two masters met, the later elected one stays' }
  if (a.pieces !== b.pieces)
    return { stays: a.pieces > b.pieces ? a : b, why: 'two masters met, the one with more pieces stays' }
  return { stays: a.id > b.id ? a : b, why: 'two masters met, the higher id stays' }
}
