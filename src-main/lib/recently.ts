import { keepLatest } from './keep-latest.ts'

/**
 * Asks again only when the last answer is older than that: for what the system answers slowly and what changes seldom.
 * @param forMs age up to which an answer counts, ms
 */
export function recently<T>(ask: () => T, forMs: number, now: () => number = () => performance.now()): () => T {
  let last: { readonly answer: T; readonly at: number } | undefined
  return () => {
    if (!last || now() - last.at > forMs) last = { answer: ask(), at: now() }
    return last.answer
  }
}

/** Answers kept of one {@link recentlyOf}. */
const MOST_KEPT = 256

/**
 * {@link recently} for questions about something, answered later. A question that fails is asked again; of many answers the oldest go.
 * @param ask about what its argument names
 */
export function recentlyOf<T>(
  ask: (about: string) => Promise<T>,
  forMs: number,
  now: () => number = () => performance.now()
): (about: string) => Promise<T> {
  const known = new Map<string, { readonly answer: Promise<T>; readonly at: number }>()
  return (about) => {
    const last = known.get(about)
    if (last && now() - last.at <= forMs) return last.answer
    const answer = ask(about)
    keepLatest(known, about, { answer, at: now() }, MOST_KEPT)
    answer.catch(() => {
      if (known.get(about)?.answer === answer) known.delete(about)
    })
    return answer
  }
}
