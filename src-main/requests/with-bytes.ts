import type { Priority } from '../contract/request.ts'
import { hostOf } from '../origin/url.ts'
import type { TransferWorld } from '../transfers/job.ts'

/** Unfinished contents of more than this may be what is asked for again. */
const UNFINISHED_BYTES = 1024 * 1024

/**
 * How many questions for versions may be asked so that the bytes come along with the answer, which saves a round trip: as many as there
 * are slots for downloads, where no other PC could have them or download them for this one, and nothing of them lies here already.
 */
export function mayComeWithBytes(
  world: Pick<TransferWorld, 'network' | 'site' | 'cache' | 'originSlots'>,
  { url, priority, known }: { readonly url: string; readonly priority: Priority; readonly known: boolean }
): number {
  if (priority !== 'foreground' || known || world.site?.use === 'up') return 0
  if (world.network.connected().length > 0 || world.cache.stats().partialBytes >= UNFINISHED_BYTES) return 0
  return world.originSlots.spareFor(hostOf(url))
}
