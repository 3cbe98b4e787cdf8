// Why it is like this: docs/decisions/0059-pieces-for-who-knows.md
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { ContentKey } from '../../contract/ids.ts'

/** Header field of a request for pieces: the proof that the asker knows what the key was made from. */
export const KNOWS_HEADER = 'larder-knows'

const EXPORTER_LABEL = 'EXPORTER-larder-pieces'

/**
 * What only those know who have asked the origin for a content: for `version:` a hash of URL, validator and length other than
 * the key, for `sha256:` the digest itself.
 * @returns undefined when this agent does not know it
 */
export type Knowledge = (key: ContentKey) => Buffer | undefined

/** The digest of a content is known to whoever names it; what else is known, `further` says. */
export function knowledgeWith(further: Knowledge = () => undefined): Knowledge {
  return (key) => (key.startsWith('sha256:') ? Buffer.from(key.slice('sha256:'.length), 'hex') : further(key))
}

/**
 * Proofs of knowledge for one connection. They are bound to it by the TLS exporter, so a member that is shown one can
 * use it nowhere else.
 */
export class KnowledgeProofs {
  readonly #knowledge: Knowledge
  readonly #exporters = new WeakMap<TLSSocket, Buffer>()

  constructor(knowledge: Knowledge) {
    this.#knowledge = knowledge
  }

  /** @returns base64url, 43 characters; undefined when this agent has nothing to prove */
  prove(socket: TLSSocket, key: ContentKey): string | undefined {
    return this.#mac(socket, key)?.toString('base64url')
  }

  holds(socket: TLSSocket, key: ContentKey, proof: unknown): boolean {
    if (typeof proof !== 'string' || proof.length !== 43) return false
    const expected = this.prove(socket, key)
    // Text against text: two spellings of the same bytes are two proofs.
    const [own, shown] = [Buffer.from(expected ?? ''), Buffer.from(proof)]
    return own.length === shown.length && timingSafeEqual(own, shown)
  }

  #mac(socket: TLSSocket, key: ContentKey): Buffer | undefined {
    const secret = this.#knowledge(key)
    if (!secret || socket.destroyed) return undefined
    let exporter = this.#exporters.get(socket)
    if (!exporter)
      this.#exporters.set(socket, (exporter = socket.exportKeyingMaterial(32, EXPORTER_LABEL, Buffer.alloc(0))))
    return createHmac('sha256', secret).update('larder/knows/v1\0').update(exporter).update(key).digest()
  }
}
