/** How a figure grows over an hour. */
export interface Growth {
  readonly first: number
  readonly last: number
  readonly least: number
  readonly most: number
  /** By a line through all readings. */
  readonly perHour: number
  /** Two standard errors of it, as far as the spread of the readings around the line tells. */
  readonly error: number
  /** What it grows at least: 0 where it may as well not grow. */
  readonly certain: number
}

/** The growth of evenly spaced readings, of which there are `perHour` in an hour. */
export function growthOf(values: readonly number[], perHour: number): Growth {
  const n = values.length
  const slope = slopeOf(values)
  const meanX = (n - 1) / 2
  const mean = values.reduce((sum, v) => sum + v, 0) / Math.max(1, n)
  const rest = values.reduce((sum, v, x) => sum + (v - mean - slope * (x - meanX)) ** 2, 0)
  const spreadX = values.reduce((sum, _, x) => sum + (x - meanX) ** 2, 0)
  const error = n > 2 ? 2 * Math.sqrt(rest / (n - 2) / spreadX) : 0
  return {
    first: values[0] ?? Number.NaN,
    last: values.at(-1) ?? Number.NaN,
    least: Math.min(...values),
    most: Math.max(...values),
    perHour: slope * perHour,
    error: error * perHour,
    certain: Math.max(0, (slope - error) * perHour)
  }
}

/** Growth per step of evenly spaced readings (least squares). */
export function slopeOf(values: readonly number[]): number {
  const n = values.length
  if (n < 2) return 0
  const meanX = (n - 1) / 2
  const meanY = values.reduce((sum, v) => sum + v, 0) / n
  let up = 0
  let down = 0
  for (const [x, y] of values.entries()) {
    up += (x - meanX) * (y - meanY)
    down += (x - meanX) ** 2
  }
  return up / down
}
