import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cache } from '../cache/cache.ts'
import type { PrecacheItem } from '../contract/precache.ts'
import { RequestSpec } from '../contract/request.ts'
import type { Settings } from '../contract/settings.ts'
import type { Clock } from '../lib/clock.ts'
import { LarderError, systemCode } from '../lib/errors.ts'
import type { LocalClock } from '../lib/local-time.ts'
import { parseIntegrity } from '../origin/integrity.ts'
import type { OriginClient } from '../origin/origin.ts'
import { Precache } from '../precache/precache.ts'
import { MAX_LIST_CHARS, readPrecacheList } from '../precache/read-list.ts'
import type { EventLog } from './event-log.ts'
import { readFromOrigin } from './read-from-origin.ts'
import { requested, type AskedAgent } from './requested.ts'

const LIST = { what: 'The pre-cache list', maxBytes: MAX_LIST_CHARS, tooLong }

export interface PrecacheWorld {
  readonly agent: AskedAgent
  readonly cache: Cache
  readonly origin: OriginClient
  readonly events: EventLog
  readonly clock: Clock
  readonly localClock: LocalClock
  readonly dataDir: string
  readonly settings: Settings['precache']
  /** @throws INTEGRATION_OFF */
  readonly requireIntegration: () => void
  readonly onBattery: () => boolean
  readonly changed: () => void
}

/** Pre-caching by the requests of this agent. */
export function openPrecache(world: PrecacheWorld): Promise<Precache> {
  const { agent, cache, clock, events } = world
  return Precache.open({
    path: join(world.dataDir, 'precache.json'),
    clock,
    localClock: world.localClock,
    settings: world.settings,
    random: Math.random,
    wallMs: () => clock.wallMs(),
    changed: world.changed,
    pin: (sha256, until) => keepLongerPin(cache, sha256, until),
    setPriority: (sha256, priority) => cache.setPriority(sha256, priority),
    onMains: async () => !world.onBattery(),
    requireAllowed: world.requireIntegration,
    async obtain(spec, signal) {
      // Whoever wrote the list chose the URL.
      const view = await requested(agent, spec, { by: 'precache', chooser: 'other' }, signal)
      return {
        sha256: view.sha256!,
        bytes: view.lengthBytes ?? 0,
        present: view.reasons.some(({ code }) => code === 'cached')
      }
    },
    readList: (list) => (/^https?:\/\//i.test(list) ? listFromUrl(world, list) : listFromFile(list)),
    ended: ({ end, done, total, failed, bytes }) =>
      events.add(
        'precacheDone',
        `Pre-caching has ended (${end}): ${done} of ${total} contents are in the cache, ${failed.length} failed.`,
        { bytes }
      )
  })
}

/** A person's pin, or a longer one, is not shortened. */
function keepLongerPin(cache: Cache, sha256: Parameters<Cache['pin']>[0], until: number): void {
  const entry = cache.detail(sha256)?.entry
  if (entry?.pinned && (entry.pinnedUntil === null || entry.pinnedUntil >= until)) return
  cache.pin(sha256, true, until)
}

/**
 * A list names URLs this PC will ask, so no peer may have a hand in it: it comes straight from its origin, unless its URL carries
 * its digest (`#sha256=<hex>`), which lets peers give it.
 */
async function listFromUrl(world: PrecacheWorld, list: string): Promise<PrecacheItem[]> {
  const [url, fragment] = list.split('#', 2) as [string, string?]
  const digest = /^sha-?256[=-](.+)$/i.exec(fragment ?? '')?.[1]
  const bytes = digest === undefined ? await readFromOrigin(world, url, LIST) : await listByDigest(world, url, digest)
  return readPrecacheList(bytes.toString('utf8'), url)
}

async function listByDigest({ agent, cache }: PrecacheWorld, url: string, digest: string): Promise<Buffer> {
  const sha256 = parseIntegrity(/^[0-9a-f]{64}$/i.test(digest) ? digest : `sha256-${digest}`)
  await requested(
    agent,
    RequestSpec.parse({ url, integrity: sha256, priority: 'background' }),
    { by: 'precache', chooser: 'user' },
    new AbortController().signal
  )
  const reader = await cache.open(sha256)
  if (!reader) throw new LarderError('NOT_FOUND', 'The pre-cache list left the cache before it was read')
  try {
    const { lengthBytes } = reader.plan
    if (lengthBytes > MAX_LIST_CHARS) throw tooLong(lengthBytes)
    return await reader.read(0, lengthBytes)
  } finally {
    await reader.close()
  }
}

function tooLong(bytes: number): LarderError {
  return new LarderError(
    'BAD_REQUEST',
    `The pre-cache list has ${bytes} bytes or more, at most ${MAX_LIST_CHARS} are read`,
    { field: 'list' }
  )
}

async function listFromFile(path: string): Promise<PrecacheItem[]> {
  try {
    const file = await open(path, 'r')
    try {
      const { size } = await file.stat()
      if (size > MAX_LIST_CHARS)
        throw new LarderError('BAD_REQUEST', `${path} has ${size} bytes, at most ${MAX_LIST_CHARS} are read`, {
          field: 'list'
        })
      return readPrecacheList(await file.readFile('utf8'), null)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof LarderError) throw error
    throw new LarderError(
      'NOT_FOUND',
      `The pre-cache list ${path} cannot be read (${systemCode(error) ?? 'unreadable'})`,
      { path, cause: error }
    )
  }
}
