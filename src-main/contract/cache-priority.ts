import { z } from 'zod'

/** Lowest first: the lowest goes first when room is needed. */
export const cachePriorities = ['low', 'normal', 'high'] as const
export const CachePriority = z.enum(cachePriorities)
export type CachePriority = z.infer<typeof CachePriority>
