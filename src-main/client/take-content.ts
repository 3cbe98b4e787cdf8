import { createHash } from 'node:crypto'
import type { ErrorCode } from '../contract/errors.ts'
import type { Sha256Hex } from '../contract/ids.ts'
import type { RequestView } from '../contract/request.ts'
import { LarderError } from '../lib/errors.ts'
import type { AgentConnection } from './connection.ts'
import type { Sink } from './sink.ts'

/** Nothing that another way to the bytes could better. */
export const ofTheDestination: readonly ErrorCode[] = [
  'DESTINATION_UNWRITABLE',
  'DESTINATION_INVALID',
  'DESTINATION_EXISTS',
  'DESTINATION_BUSY',
  'DISK_FULL',
  'BAD_REQUEST'
]

/**
 * Puts the content of a finished request where this user wants it, with this user's rights. Nothing is there unless all of it is
 * what the agent named.
 * @throws as `AgentConnection.content` and the sink; CACHE_DAMAGED
 */
export async function takeContent(
  agent: Pick<AgentConnection, 'content'>,
  { id }: Pick<RequestView, 'id'>,
  { sha256, lengthBytes }: { readonly sha256: Sha256Hex; readonly lengthBytes: number },
  sink: Sink,
  signal: AbortSignal
): Promise<void> {
  let taken = false
  try {
    await sink.begin(null, lengthBytes)
    const hash = createHash('sha256')
    let bytes = 0
    for await (const chunk of await agent.content(id, { signal })) {
      bytes += chunk.byteLength
      if (bytes > lengthBytes) break
      hash.update(chunk)
      await sink.write(chunk)
    }
    if (bytes !== lengthBytes || hash.digest('hex') !== sha256)
      throw new LarderError('CACHE_DAMAGED', 'The agent’s bytes do not match the digest it gave')
    await sink.commit()
    taken = true
  } finally {
    if (!taken) await sink.discard()
  }
}
