/** One PC that downloads from origins for its site. Bytes per second. */
export interface WanUser {
  /** What it used recently; null: not known yet. */
  readonly used: number | null
  /** What it was given last; null: nothing yet. */
  readonly share: number | null
}

/** A PC that uses this part of its share would use more. */
const HUNGRY_FROM = 0.8
/** A PC that uses less keeps this much room to grow. */
const ROOM = 1.25
/** Of an equal share, for anyone who uses nothing: enough to show that it would use more. */
const LEAST = 0.1

/**
 * Divides the bytes per second of one site among those that download for it, by what they use: one that cannot use an equal share leaves
 * the rest to the others. Nobody gets nothing, and all together never get more than there is. Pure.
 *
 * @param budget at least one byte per second for each
 * @returns shares in the order of `users`
 */
export function divideBudget(budget: number, users: readonly WanUser[]): number[] {
  const least = Math.floor((budget / users.length) * LEAST)
  const wants = users.map(({ used, share }) =>
    used === null || share === null || used >= share * HUNGRY_FROM ? Infinity : Math.max(least, Math.ceil(used * ROOM))
  )
  const shares = Array.from({ length: users.length }, () => 0)
  let left = Math.floor(budget)
  // The smallest demand first: what it leaves is for those after it.
  const order = wants.map((want, i) => ({ want, i })).toSorted((a, b) => a.want - b.want)
  for (const [n, { want, i }] of order.entries()) {
    const given = Math.min(want, Math.floor(left / (order.length - n)))
    shares[i] = given
    left -= given
  }
  // Where nobody wants more, the rest is room for all.
  const each = Math.floor(left / users.length)
  return shares.map((share) => share + each)
}
