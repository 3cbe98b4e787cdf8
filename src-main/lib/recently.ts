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
