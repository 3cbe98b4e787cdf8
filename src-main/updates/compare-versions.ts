const VERSION = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-([0-9A-Za-z.-]{1,60}))?$/

/** `1.2.3` or `1.2.3-beta.4`, as semver.org has it without build facts. */
export const isVersion = (text: string): boolean => VERSION.test(text)

/** Below 0: `a` is older, as semver.org orders (section 11). Both must be versions. */
export function compareVersions(a: string, b: string): number {
  const [one, two] = [partsOf(a), partsOf(b)]
  for (let i = 0; i < 3; i++) if (one.numbers[i] !== two.numbers[i]) return one.numbers[i]! - two.numbers[i]!
  // Without a name after it a release is newer than with one.
  if (one.names === null || two.names === null) return Number(two.names !== null) - Number(one.names !== null)
  for (let i = 0; i < Math.max(one.names.length, two.names.length); i++) {
    const order = compareNames(one.names[i], two.names[i])
    if (order !== 0) return order
  }
  return 0
}

function compareNames(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(b === undefined) - Number(a === undefined)
  const [aNumber, bNumber] = [/^\d+$/.test(a), /^\d+$/.test(b)]
  if (aNumber && bNumber) return Number(a) - Number(b)
  if (aNumber !== bNumber) return aNumber ? -1 : 1
  return a < b ? -1 : Number(a > b)
}

function partsOf(version: string): { numbers: readonly number[]; names: readonly string[] | null } {
  const found = VERSION.exec(version)
  if (!found) throw new RangeError(`not a version: ${version}`)
  return { numbers: found.slice(1, 4).map(Number), names: found[4]?.split('.') ?? null }
}
