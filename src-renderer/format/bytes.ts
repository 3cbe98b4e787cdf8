const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** `1536` → `1.5 KiB`. Binary units, at most three significant digits, no trailing zeros. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes) || bytes < 0) return '–'
  let value = bytes
  let unit = 0
  // 1023.5 KiB would be written as 1024 KiB: step to the next unit where rounding would reach it.
  while (unit < units.length - 1 && Math.round(value) >= 1024) {
    value /= 1024
    unit++
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2
  return `${number.format(Number(value.toFixed(digits)))} ${units[unit]}`
}

// Kept: making one, as `toLocaleString` does, costs more than all of the formatting.
const number = new Intl.NumberFormat('en', { maximumFractionDigits: 2 })

/** `1536` → `1.5 KiB/s`; nothing moving is a dash. */
export function formatRate(bytesPerSecond: number): string {
  return bytesPerSecond >= 1 ? `${formatBytes(bytesPerSecond)}/s` : '–'
}

/** Whole percent of `part` in `whole`, 0 to 100; 100 only when all of it is there. */
export function percentOf(part: number, whole: number): number {
  if (!(whole > 0) || !(part > 0)) return 0
  return part >= whole ? 100 : Math.min(99, Math.floor((part / whole) * 100))
}

/** `1` of `file` → `1 file`, `1200` → `1,200 files`. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${number.format(count)} ${count === 1 ? one : many}`
}

const sizes: Readonly<Record<string, number>> = Object.fromEntries([
  ...units.map((name, i) => [name.toLowerCase(), 1024 ** i]),
  ...['', 'k', 'm', 'g', 't', 'p'].map((name, i) => [name, 1024 ** i])
])

/** `1.5 GiB`, `500M` or `4096` → whole bytes; undefined when it is no size. Units count by 1024. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d{1,16}(?:\.\d{1,9})?)\s*([a-z]{0,3})$/i.exec(text.trim())
  const size = match === null ? undefined : sizes[match[2]!.toLowerCase()]
  const bytes = match === null || size === undefined ? Number.NaN : Math.round(Number(match[1]) * size)
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** A size as it is edited: `53687091200` → `50 GiB`, and what no short text names exactly as a number of bytes. */
export function editBytes(bytes: number): string {
  const short = formatBytes(bytes).replaceAll(',', '')
  return bytes > 0 && parseBytes(short) === bytes ? short : String(bytes)
}
