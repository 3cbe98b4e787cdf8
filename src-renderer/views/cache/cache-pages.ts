import { useCallback, useEffect, useRef, useState } from 'react'
import type { CacheEntryView } from '../../../src-main/contract/snapshot.ts'
import type { ErrorView } from '../../../src-main/contract/errors.ts'
import { useApp, useSnapshot } from '../../app-context.tsx'
import { ask, failureOf } from '../../agent/bridge.ts'

const PAGE = 100
/** Rows before and after those that are seen whose pages are fetched as well, so that scrolling rarely runs into what is not there yet. */
const AHEAD = 60
/** Pages kept; the farthest from what is seen are dropped. */
const PAGES_KEPT = 12
/** The list is read again this long after the cache changed, ms; a busy cache changes many times a second. */
const REFRESH_MS = 700

export type CacheSort = 'lastUsed' | 'size' | 'created'

export interface CachePages {
  /** Null until the first answer. */
  readonly total: number | null
  readonly error: ErrorView | null
  /** Undefined while its page is on the way. Another function only when other rows are known. */
  entry(index: number): CacheEntryView | undefined
  /** Tells which rows are seen; their pages are fetched. */
  see(first: number, last: number): void
  refresh(): void
}

interface Loaded {
  /** Search and sort the pages belong to. */
  readonly query: string
  readonly total: number | null
  readonly pages: ReadonlyMap<number, readonly CacheEntryView[]>
  readonly error: ErrorView | null
}

/** The cache as the agent lists it, page by page as it is looked at. */
export function useCachePages(search: string, sort: CacheSort): CachePages {
  const { bridge } = useApp()
  const query = `${sort}\n${search}`
  const [loaded, setLoaded] = useState<Loaded>({ query, total: null, pages: new Map(), error: null })
  const seen = useRef({ first: 0, last: PAGE - 1 })
  const underway = useRef(new Set<string>())

  const load = useCallback(
    async (page: number) => {
      const id = `${query}\n${page}`
      if (underway.current.has(id)) return
      underway.current.add(id)
      try {
        const { entries, total } = await ask(bridge, {
          c: 'cache.list',
          query: { limit: PAGE, offset: page * PAGE, sort, ...(search === '' ? {} : { search }) }
        })
        setLoaded((last) => ({
          query,
          total,
          error: null,
          pages: nearest(new Map(last.query === query ? last.pages : []).set(page, entries), page)
        }))
      } catch (failure) {
        setLoaded((last) =>
          last.query === query
            ? { ...last, error: failureOf(failure) }
            : { query, total: null, pages: new Map(), error: failureOf(failure) }
        )
      } finally {
        underway.current.delete(id)
      }
    },
    [bridge, query, search, sort]
  )

  const loadSeen = useCallback(
    (isMissing: (page: number) => boolean) => {
      const { first, last } = seen.current
      for (let page = Math.floor(first / PAGE); page <= Math.floor(last / PAGE); page++)
        if (isMissing(page)) void load(page)
    },
    [load]
  )

  // Another search or order begins at its first row.
  useEffect(() => {
    seen.current = { first: 0, last: PAGE - 1 }
    void load(0)
  }, [load])

  const refresh = useCallback(() => loadSeen(() => true), [loadSeen])
  const stamp = useSnapshot(({ cache: c, bootId }) => `${bootId} ${c.entries} ${c.bytes} ${c.pinned} ${c.evictions}`)
  const lastStamp = useRef(stamp)
  useEffect(() => {
    if (lastStamp.current === stamp) return
    const timer = setTimeout(() => {
      lastStamp.current = stamp
      refresh()
    }, REFRESH_MS)
    return () => clearTimeout(timer)
  }, [stamp, refresh])

  const current = loaded.query === query ? loaded : null
  const entry = useCallback((index: number) => current?.pages.get(Math.floor(index / PAGE))?.[index % PAGE], [current])
  const see = useCallback(
    (first: number, last: number) => {
      const lastRow = Math.max(last, (current?.total ?? 0) - 1)
      seen.current = { first: Math.max(0, first - AHEAD), last: Math.min(last + AHEAD, lastRow) }
      loadSeen((page) => current !== null && !current.pages.has(page))
    },
    [loadSeen, current]
  )
  return {
    total: current?.total ?? null,
    error: current?.error ?? null,
    entry,
    see,
    refresh
  }
}

function nearest(
  pages: ReadonlyMap<number, readonly CacheEntryView[]>,
  page: number
): ReadonlyMap<number, readonly CacheEntryView[]> {
  return pages.size <= PAGES_KEPT
    ? pages
    : new Map([...pages].toSorted(([a], [b]) => Math.abs(a - page) - Math.abs(b - page)).slice(0, PAGES_KEPT))
}
