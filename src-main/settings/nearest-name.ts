import { settingNames } from './setting-facts.ts'

/** At most this share of the letters may be wrong in what is taken for a slip. */
const MOST_WRONG = 0.35

/** What may be meant by a name, or by a pattern of `locked`, that does not exist: the nearest one; null when none is near. */
export function nearestName(text: string): string | null {
  const sections = new Set(settingNames.map((name) => `${name.slice(0, name.indexOf('.'))}.*`))
  const candidates = text.endsWith('*') ? [...sections] : settingNames
  let nearest: string | null = null
  let least = Math.floor(text.length * MOST_WRONG) + 1
  for (const candidate of candidates) {
    const distance = editDistance(text.toLowerCase(), candidate.toLowerCase())
    if (distance < least) [nearest, least] = [candidate, distance]
  }
  return nearest
}

/** ` Did you mean cache.maxBytes?`, or nothing. */
export function didYouMean(text: string): string {
  const name = nearestName(text.slice(0, 100))
  return name === null ? '' : ` Did you mean ${name}?`
}

/** Letters to put in, take out, replace or swap with the next one (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const differs = a[i - 1] === b[j - 1] ? 0 : 1
      const swaps = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row.push(Math.min(row[j - 1]! + 1, last[j]! + 1, last[j - 1]! + differs, swaps ? before[j - 2]! + 1 : Infinity))
    }
    ;[before, last] = [last, row]
  }
  return last[b.length]!
}
