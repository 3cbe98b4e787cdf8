// Why it is like this: docs/decisions/0047-a-window-is-told-what-changed.md
import { z } from 'zod'
import { ErrorView } from './errors.ts'
import { AgentEvent } from './events.ts'
import { RequestView } from './request.ts'
import { AgentSnapshot, MasterView, PeerView, TransferView } from './snapshot.ts'

/** Most items of one list in a change. An agent has at most 10,000 unfinished requests and 500 finished ones. */
const MAX_ITEMS = 20_000

/**
 *     starting ──► running ──► stopping
 *         └──► failed                      (with the reason; nothing runs)
 */
export const AgentStatus = z.discriminatedUnion('state', [
  z.object({ state: z.literal('starting') }),
  z.object({ state: z.literal('running') }),
  z.object({ state: z.literal('failed'), error: ErrorView }),
  z.object({ state: z.literal('stopping') })
])
export type AgentStatus = z.infer<typeof AgentStatus>

const Verifying = z.object({ done: z.number().int(), total: z.number().int() }).nullable()

/** Everything a window shows, numbered. One with a lower `n` than the last one of the same `run` is old news. */
export const SnapshotMessage = z.object({
  /** Another value: the numbers begin again. */
  run: z.string().max(64),
  n: z.number().int().positive(),
  status: AgentStatus,
  /** Null until the agent runs. It carries `agentId`, `bootId` and `seq`. */
  snapshot: AgentSnapshot.nullable(),
  /** A verification of the cache is running: contents done, and in all. */
  verifying: Verifying
})
export type SnapshotMessage = z.infer<typeof SnapshotMessage>

function listChange<Item extends z.ZodType>(item: Item) {
  const keys = z.array(z.string().max(300)).max(MAX_ITEMS)
  return z.object({
    /** As they are now: in the place of the item with the same key, or, where there is none, after all others. */
    set: z.array(item).max(MAX_ITEMS),
    /** Keys of those that are no more. */
    gone: keys,
    /** All keys in their new order; absent: that follows from `set` and `gone`. */
    order: keys.optional()
  })
}

/**
 * What became different since message `base` of the same run. Whoever does not have that one asks for the whole
 * (`snapshot.get`). Fields that are absent stayed as they were. `snapshot` has whole sections; a list in `lists` is told by
 * its items, whose keys are in `listKeys`.
 */
export const SnapshotChange = z.object({
  ...SnapshotMessage.pick({ run: true, n: true }).shape,
  base: z.number().int().positive(),
  status: AgentStatus.optional(),
  snapshot: AgentSnapshot.partial(),
  lists: z
    .object({
      requests: listChange(RequestView),
      transfers: listChange(TransferView),
      masters: listChange(MasterView),
      peers: listChange(PeerView),
      events: listChange(AgentEvent)
    })
    .partial(),
  verifying: Verifying.optional()
})
export type SnapshotChange = z.infer<typeof SnapshotChange>

/** What is pushed to a window. */
export type SnapshotNews = SnapshotMessage | SnapshotChange

export function isChange(news: SnapshotNews): news is SnapshotChange {
  return 'base' in news
}
