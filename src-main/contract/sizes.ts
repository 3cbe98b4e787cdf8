const units: Record<string, number> = {
  '': 1,
  b: 1,
  k: 1024,
  kib: 1024,
  m: 1024 ** 2,
  mib: 1024 ** 2,
  g: 1024 ** 3,
  gib: 1024 ** 3,
  t: 1024 ** 4,
  tib: 1024 ** 4,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12
}

/**
 * Reads a size: `500M`, `1.5 GiB`, `2TB`, `4096`. K, M, G, T and KiB … count by 1024, KB … by 1000.
 * @returns whole bytes, or undefined when it is not a size
 */
export function parseSize(text: string): number | undefined {
  const match = /^\s*(\d{1,16}(?:\.\d{1,9})?)\s*([a-z]{0,3})\s*$/i.exec(text)
  const unit = match && units[match[2]!.toLowerCase()]
  if (!match || unit === undefined || unit === null) return undefined
  const bytes = Math.round(Number(match[1]) * unit)
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** Bytes per second in one of each. */
const bitUnits: Record<string, number> = { bit: 1 / 8, kbit: 1e3 / 8, mbit: 1e6 / 8, gbit: 1e9 / 8 }

/**
 * Reads a rate: a size, of bytes in a second (`2M`, `500 KiB/s`), or bits in a second (`50mbit`, `1 Gbit/s`), which count by 1000.
 * @returns whole bytes per second, or undefined when it is not a rate
 */
export function parseRate(text: string): number | undefined {
  const amount = text.replace(/\/s\s*$/i, '')
  const match = /^\s*(\d{1,16}(?:\.\d{1,9})?)\s*([kmg]?bit)\s*$/i.exec(amount)
  if (!match) return parseSize(amount)
  const bytes = Math.round(Number(match[1]) * bitUnits[match[2]!.toLowerCase()]!)
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

const names = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** `1536` → `1.5 KiB`: units of 1024, at most three significant digits (four below 1 KiB), no trailing zeros; `–` for no number. */
export function formatSize(bytes: number): string {
  if (!Number.isFinite(bytes) || bytes < 0) return '–'
  let value = bytes
  let unit = 0
  // 1023.5 would be shown as 1024 of the smaller unit.
  while (value >= 1023.5 && unit < names.length - 1) {
    value /= 1024
    unit++
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
  return `${Number(value.toFixed(digits))} ${names[unit]}`
}

/** `1536` → `1.5 KiB/s`; nothing moving is a dash. */
export function formatRate(bytesPerSecond: number): string {
  return bytesPerSecond >= 1 ? `${formatSize(bytesPerSecond)}/s` : '–'
}

/** A size for an editor: `53687091200` → `50 GiB`; a number of bytes where no short text names it exactly. */
export function editSize(bytes: number): string {
  const short = formatSize(bytes)
  return bytes > 0 && parseSize(short) === bytes ? short : String(bytes)
}

/** A rate for an editor: `2 MiB/s`, or `50 Mbit/s` where that is the rounder one; read again it is the same. */
export function editRate(bytesPerSecond: number): string {
  const short = `${formatSize(bytesPerSecond)}/s`
  if (parseRate(short) === bytesPerSecond) return short
  for (const [unit, bytes] of [
    ['Gbit/s', 1e9 / 8],
    ['Mbit/s', 1e6 / 8],
    ['kbit/s', 1e3 / 8]
  ] as const) {
    const amount = Number((bytesPerSecond / bytes).toFixed(2))
    if (amount >= 1 && Math.round(amount * bytes) === bytesPerSecond) return `${amount} ${unit}`
  }
  return `${bytesPerSecond} B/s`
}

/** Whole percent of `part` in `whole`, 0 to 100; 100 only when all of it is there. */
export function percentOf(part: number, whole: number): number {
  if (!(whole > 0) || !(part > 0)) return 0
  return part >= whole ? 100 : Math.min(99, Math.floor((part / whole) * 100))
}

// Kept: making one, as `toLocaleString` does, costs more than all of the formatting.
const number = new Intl.NumberFormat('en')

/** `1` of `file` → `1 file`, `1200` → `1,200 files`. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${number.format(count)} ${count === 1 ? one : many}`
}
