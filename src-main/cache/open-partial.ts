import type { ContentKey } from '../contract/ids.ts'
import type { PiecePlan } from '../pieces/plan.ts'
import type { PartialPaths } from './layout.ts'
import { DiskPartial } from './partial.ts'
import type { PartialParts } from './partial-parts.ts'
import {
  createPartialFiles,
  readDescription,
  readSlots,
  removePartialFiles,
  writeDescription
} from './partial-files.ts'
import { bytesHad, findDamaged } from './piece-checks.ts'
import { EMPTY_SLOT, RecordSlots, SLOT_BYTES } from '../pieces/record-slots.ts'

/** Opens or begins the partial of a key. @throws DISK_FULL, CACHE_UNUSABLE */
export async function openDiskPartial(
  key: ContentKey,
  plan: PiecePlan,
  paths: PartialPaths,
  parts: PartialParts
): Promise<DiskPartial> {
  const { layout, room, clock } = parts
  const known = await readDescription(paths.json)
  let slots: RecordSlots | undefined
  if (known?.key === key && known.lengthBytes === plan.lengthBytes && known.pieceBytes === plan.pieceBytes) {
    slots = await readSlots(paths.rec, plan).catch(() => undefined)
    if (slots && !known.clean) {
      // After an unclean end what the map claims is hashed again.
      for (const index of await findDamaged([...slots.have], slots, plan, paths.part, parts.hashes)) {
        slots.delete(index)
        await parts.files.use(paths.rec, 'r+', (handle) => handle.write(EMPTY_SLOT, 0, SLOT_BYTES, index * SLOT_BYTES))
      }
    }
  }
  await room.refresh()
  await room.ensure(plan.lengthBytes - (slots ? bytesHad(slots.have, plan) : 0))
  const credentials = new Map(slots ? known?.credentials : [])
  const description = {
    v: 1 as const,
    key,
    lengthBytes: plan.lengthBytes,
    pieceBytes: plan.pieceBytes,
    clean: false,
    credentials: [...credentials]
  }
  await room.run(0, async () => {
    if (!slots) {
      await removePartialFiles(paths, layout)
      await createPartialFiles(paths, plan)
    }
    // Before anything is written again the mark of the clean end must be gone from the disk for good.
    if (!slots || known?.clean)
      await writeDescription(paths.json, description, layout, { durable: slots !== undefined, clock })
  })
  return new DiskPartial({
    key,
    plan,
    paths,
    slots: slots ?? new RecordSlots(plan.count),
    credentials,
    unproven: known?.clean && slots ? [...slots.have] : [],
    parts
  })
}
