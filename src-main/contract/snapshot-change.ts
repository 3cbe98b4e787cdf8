import type { AgentSnapshot } from './snapshot.ts'
import { isChange, type SnapshotChange, type SnapshotMessage, type SnapshotNews } from './snapshot-message.ts'

type ListName = keyof SnapshotChange['lists']
type Item = AgentSnapshot[ListName][number]
type ListChange = NonNullable<SnapshotChange['lists'][ListName]>

/** By what the items of a list are told apart. */
const listKeys = {
  requests: ({ id }) => id,
  transfers: ({ key }) => key,
  masters: ({ key }) => key,
  peers: ({ id, address }) => `${id ?? '-'} ${address}`,
  events: ({ seq }) => String(seq)
} satisfies { [L in ListName]: (item: AgentSnapshot[L][number]) => string }

const isList = (name: string): name is ListName => Object.hasOwn(listKeys, name)
const keyIn = (name: ListName) => listKeys[name] as (item: Item) => string

/**
 * What makes `now` of `before`. What is the same object in both counts as unchanged and is not looked into, so snapshots are
 * never changed in place. Null: there is no snapshot in one of them, and `now` has to be told whole.
 */
export function changeBetween(before: SnapshotMessage, now: SnapshotMessage): SnapshotChange | null {
  if (before.snapshot === null || now.snapshot === null) return null
  return {
    run: now.run,
    n: now.n,
    base: before.n,
    ...(!isSame(before.status, now.status) && { status: now.status }),
    ...snapshotChange(before.snapshot, now.snapshot),
    ...(!isSame(before.verifying, now.verifying) && { verifying: now.verifying })
  }
}

/** The message that `change` tells of. All that it leaves out keeps its identity. Null: it does not build on `before`. */
export function applyChange(before: SnapshotMessage, change: SnapshotChange): SnapshotMessage | null {
  if (change.run !== before.run || change.base !== before.n || before.snapshot === null) return null
  const snapshot = changedSnapshot(before.snapshot, change)
  return (
    snapshot && {
      run: change.run,
      n: change.n,
      status: change.status ?? before.status,
      snapshot,
      verifying: change.verifying === undefined ? before.verifying : change.verifying
    }
  )
}

/**
 * What a window knows after `news`, when it knew `before`. Whatever is equal keeps its identity, so that only what differs is
 * drawn again. Null: the news builds on what this window never got.
 */
export function afterNews(before: SnapshotMessage | null, news: SnapshotNews): SnapshotMessage | null {
  if (isChange(news)) return before && applyChange(before, news)
  if (!before?.snapshot || news.snapshot === null) return news
  const { status, verifying } = before
  return {
    ...news,
    ...(isSame(status, news.status) && { status }),
    ...(isSame(verifying, news.verifying) && { verifying }),
    snapshot: changedSnapshot(before.snapshot, snapshotChange(before.snapshot, news.snapshot)) ?? news.snapshot
  }
}

function snapshotChange(before: AgentSnapshot, now: AgentSnapshot): Pick<SnapshotChange, 'snapshot' | 'lists'> {
  const snapshot: Record<string, unknown> = {}
  const lists: Partial<Record<ListName, ListChange>> = {}
  for (const name of Object.keys(now) as (keyof AgentSnapshot)[]) {
    if (before[name] === now[name]) continue
    const list = isList(name) ? listChange(before[name], now[name], keyIn(name)) : null
    if (list === null) {
      if (!isSame(before[name], now[name])) snapshot[name] = now[name]
    } else if (list.set.length > 0 || list.gone.length > 0 || list.order) lists[name as ListName] = list
  }
  return { snapshot: snapshot as SnapshotChange['snapshot'], lists: lists as SnapshotChange['lists'] }
}

/** Null: an item cannot be told from another. */
function listChange(before: readonly Item[], now: readonly Item[], keyOf: (item: Item) => string): ListChange | null {
  const earlier = new Map(before.map((item) => [keyOf(item), item]))
  const later = new Map(now.map((item) => [keyOf(item), item]))
  if (earlier.size < before.length || later.size < now.length) return null
  const set = now.filter((item) => !isSame(earlier.get(keyOf(item)), item))
  const gone = [...earlier.keys()].filter((key) => !later.has(key))
  const order = [...later.keys()]
  const following = [...earlier.keys()].filter((key) => later.has(key)).concat(order.filter((key) => !earlier.has(key)))
  return { set, gone, ...(!isSame(following, order) && { order }) } as ListChange
}

/** Null: the change is not one of this snapshot. */
function changedSnapshot(
  before: AgentSnapshot,
  { snapshot, lists }: Pick<SnapshotChange, 'snapshot' | 'lists'>
): AgentSnapshot | null {
  const changed: Partial<Record<ListName, Item[]>> = {}
  for (const name of Object.keys(lists)) {
    if (!isList(name)) return null
    const list = changedList(before[name], lists[name]!, keyIn(name))
    if (list === null) return null
    changed[name] = list
  }
  return { ...before, ...snapshot, ...changed } as AgentSnapshot
}

function changedList(
  before: readonly Item[],
  { set, gone, order }: ListChange,
  keyOf: (item: Item) => string
): Item[] | null {
  const items = new Map(before.map((item) => [keyOf(item), item]))
  for (const key of gone) if (!items.delete(key)) return null
  for (const item of set) items.set(keyOf(item), item)
  if (!order) return [...items.values()]
  const ordered = order.map((key) => items.get(key))
  return order.length === items.size &&
    new Set(order).size === order.length &&
    ordered.every((item) => item !== undefined)
    ? ordered
    : null
}

/** Whether two JSON values are equal. */
function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b))
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => isSame(item, b[i]))
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every(
      (name) =>
        Object.hasOwn(b, name) && isSame((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name])
    )
  )
}
