import { isFinal, waitingSentence } from '../contract/progress.ts'
import { ReasonCode, reasonTexts, type RequestView } from '../contract/request.ts'
import type { SiteShareView } from '../contract/snapshot.ts'
import { reasonAdvice } from '../contract/why.ts'

export interface Diagnosis {
  /** Why the download came from where it did, or what it waits for; a sentence or two. */
  readonly verdict: string
  /** What to do about it now; null: nothing. */
  readonly next: string | null
}

const NAMED_PEERS = 5

/** One download, as it was told last, the peers that gave bytes, and the PC of another subnet it came from. */
export function diagnose(
  request: RequestView,
  peers: readonly { readonly name: string }[],
  other: SiteShareView['from'] = null
): Diagnosis {
  const { state, error } = request
  if (state === 'failed')
    return { verdict: `It failed: ${error?.message ?? 'for an unknown reason'}`, next: error?.next ?? null }
  const source = `${sourceSentence(request, peers)}${request.split.peerBytes > 0 ? otherSentence(other) : ''}`
  const left = leftFor(request)
  if (left !== null)
    return {
      verdict: `The program that asked for it went on by itself: ${reasonTexts[left]}${receivedAny(request) ? ` ${source}` : ''}`,
      next: reasonAdvice[left]
    }
  if (isFinal(request)) return { verdict: sentence(source), next: adviceOf(request) }
  const waiting = waitingSentence(request)
  if (waiting === null) return { verdict: sentence(source), next: adviceOf(request) }
  return {
    verdict: `${waiting}.${receivedAny(request) ? ` ${sentence(source)}` : ''}`,
    next: request.waitingFor?.what === 'resume' ? reasonAdvice.paused : waitAdvice(request)
  }
}

/** A download that waits for its turn among many is as it should be; one that waits because nobody helps it is not. */
function waitAdvice(request: RequestView): string | null {
  if (request.waitingFor?.what === 'slot')
    return 'Nothing to do; `transfers.originConcurrency` says how many download from origins at the same time.'
  return adviceOf(request)
}

/** Why the program that asked did not wait for this agent any longer; null: it did, or somebody cancelled it. */
function leftFor({ state, error }: RequestView): ReasonCode | null {
  return state === 'cancelled' ? (ReasonCode.safeParse(error?.details?.reason).data ?? null) : null
}

/** The reason that decided where the bytes came from; null: none had to. */
function decisive({ reasons, split }: RequestView): RequestView['reasons'][number] | null {
  const last = reasons.findLast(({ code }) => code !== 'paused' && code !== 'cached')
  return last !== undefined && (split.originBytes > 0 || split.peerBytes === 0) ? last : null
}

function adviceOf(request: RequestView): string | null {
  const { state, split } = request
  if (state === 'cancelled' || (split.cacheBytes > 0 && split.originBytes === 0)) return null
  const reason = decisive(request)
  return reason === null ? null : reasonAdvice[reason.code]
}

function otherSentence(other: SiteShareView['from']): string {
  if (other === null) return ''
  if (other.deposit) return ' A PC that this one cannot reach had brought it to the hub.'
  return ` ${other.name} in subnet ${other.subnet} ${other.had ? 'had it already' : 'downloaded it for the site'}.`
}

const receivedAny = ({ split }: RequestView): boolean => split.originBytes + split.peerBytes + split.cacheBytes > 0

function sourceSentence(request: RequestView, peers: readonly { readonly name: string }[]): string {
  const { state, split, stale } = request
  const { originBytes, peerBytes, cacheBytes } = split
  const all = originBytes + peerBytes + cacheBytes
  const reason = decisive(request)
  const because = reason === null ? '' : ` ${reason.text}`
  if (all === 0) {
    if (state === 'done') return 'There was nothing to download: the file is empty.'
    return state === 'cancelled' ? 'It was cancelled before a byte had come.' : `No byte has come yet.${because}`
  }
  const so = state === 'done' ? '' : state === 'cancelled' ? 'Until it was cancelled: ' : 'So far: '
  if (cacheBytes === all)
    return `${so}all of it was in this PC’s cache already${stale ? '; the origin could not be asked whether it is the latest version' : ''}.`
  if (peerBytes === all) {
    const names = peers.map(({ name }) => name).slice(0, NAMED_PEERS)
    return `${so}all of it came from peers${names.length > 0 ? ` (${names.join(', ')})` : ''}.`
  }
  if (originBytes === all) return `${so}none of it came from peers.${because}`
  const parts = [
    [peerBytes, 'from peers'],
    [originBytes, 'from the origin'],
    [cacheBytes, 'from what was here before']
  ] as const
  const shares = parts
    .filter(([bytes]) => bytes > 0)
    .map(([bytes, from]) => `${Math.round((bytes / all) * 100)} % came ${from}`)
  return `${so}${shares.join(', ')}.${because}`
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
