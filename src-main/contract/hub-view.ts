import { z } from 'zod'
import { PeerId } from './ids.ts'

/** One hub of the settings. */
export const HubLinkView = z.object({
  url: z.string(),
  id: PeerId.nullable(),
  /** `self`: it is this PC. */
  state: z.enum(['connected', 'connecting', 'lost', 'refused', 'self']),
  /** A clause about it while it is not connected. */
  reason: z.string().nullable(),
  name: z.string().nullable(),
  /** The site it takes this PC to be in; null while connected: none. */
  site: z.string().nullable(),
  /** Wall clock, ms since 1970. */
  since: z.number()
})
export type HubLinkView = z.infer<typeof HubLinkView>

export const HubSiteView = z.object({
  name: z.string(),
  members: z.number().int(),
  /** Being claimed now. */
  contents: z.number().int(),
  /** Whose holders are remembered. */
  remembered: z.number().int(),
  /** Downloads of this run that a subnet went on with by itself although another one had or got the content. */
  wentAlone: z.number().int()
})
export type HubSiteView = z.infer<typeof HubSiteView>

/** What an agent has to do with hubs. */
export const HubView = z.object({
  hubs: z.array(HubLinkView),
  /** As a hub of others; null: it is none. */
  serving: z.object({ members: z.number().int(), sites: z.array(HubSiteView) }).nullable()
})
export type HubView = z.infer<typeof HubView>
