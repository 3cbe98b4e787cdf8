import type { Log } from '../network.ts'

/** A peer to greet where multicast is blocked. */
export interface Seed {
  readonly host: string
  readonly port: number
}

/** Reads `host:port`, `[v6]:port` (link-local with its zone: `[fe80::1%eth0]:port`), or `host` with the default port. @returns undefined when it is neither */
export function parseSeed(text: string, defaultPort: number): Seed | undefined {
  const match = /^(?:\[([0-9a-f:.]{2,45}(?:%[a-z0-9.:-]{1,32})?)\]|([a-z0-9_.-]{1,253}))(?::(\d{1,5}))?$/i.exec(
    text.trim()
  )
  if (!match) return undefined
  const port = match[3] === undefined ? defaultPort : Number(match[3])
  return port >= 1 && port <= 65_535 ? { host: (match[1] ?? match[2])!, port } : undefined
}

/** Those that can be read; the others are left out, and told. */
export function parseSeeds(texts: readonly string[], defaultPort: number, log: Pick<Log, 'warn'>): Seed[] {
  const seeds: Seed[] = []
  for (const text of texts) {
    const seed = parseSeed(text, defaultPort)
    if (seed) seeds.push(seed)
    else log.warn({ seed: text }, 'A seed in discovery.seeds is not of the form host:port and was left out.')
  }
  return seeds
}
