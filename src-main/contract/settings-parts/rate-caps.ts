// Apart from the other settings, because the views of the local API need it and nothing else of them.
import { z } from 'zod'

/** The kinds of traffic that have a cap of their own. WAN: from origins. LAN: pieces from peers. Upload: pieces to peers. */
export const rateKinds = ['wanForeground', 'wanBackground', 'lanForeground', 'lanBackground', 'upload'] as const
export type RateKind = (typeof rateKinds)[number]

/** Bytes per second; null: no limit. */
const rate = (least: number) =>
  z
    .number()
    .int()
    .min(least)
    .max(2 ** 40)
    .nullable()
export const wanRate = rate(16 * 1024)
/** Peers give up somebody who takes or sends next to nothing, so these begin higher. */
export const lanRate = rate(2 ** 20)
export const uploadRate = rate(64 * 1024)

/** Caps to change; what is not named stays as it is. */
export const RateCaps = z.strictObject({
  wanForeground: wanRate.optional(),
  wanBackground: wanRate.optional(),
  lanForeground: lanRate.optional(),
  lanBackground: lanRate.optional(),
  upload: uploadRate.optional()
})
