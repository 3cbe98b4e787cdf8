// Why it is like this: docs/decisions/0063-distrust-evidence-recall.md
import { z } from 'zod'
import { ContentKey, PeerId, Sha256Hex } from '../../contract/ids.ts'
import { Credential } from '../../contract/peer-messages.ts'
import type { Clock } from '../../lib/clock.ts'
import { readPrivateFile, writePrivateFile } from '../../lib/private-file.ts'

/** Members distrusted at the same time; the one whose time ends first makes room. */
const MAX_ENTRIES = 256
const MAX_FILE_BYTES = 4 * 1024 * 1024

const ProvenLie = z.object({
  peer: PeerId,
  /** Wall clock, ms since 1970. */
  at: z.number(),
  until: z.number(),
  key: ContentKey,
  url: z.string().max(8192),
  /** The record it signed, as `encodeRecord` writes it, base64url. */
  record: z.string().length(182),
  credential: Credential.nullable(),
  /** SHA-256 of the piece as the origin has it. */
  truth: Sha256Hex
})
/** Why a member is believed no more: what it signed, and what the origin says. */
export type ProvenLie = z.infer<typeof ProvenLie>
const DistrustFile = z.object({ v: z.literal(1), provenLies: z.array(ProvenLie).max(MAX_ENTRIES) })

/** Members that have signed what is not true, with the proof, kept over restarts. */
export class Distrust {
  readonly #path: string
  readonly #clock: Clock
  readonly #entries: Map<PeerId, ProvenLie>
  #writing: Promise<void> = Promise.resolve()

  private constructor(path: string, clock: Clock, provenLies: readonly ProvenLie[]) {
    this.#path = path
    this.#clock = clock
    this.#entries = new Map(provenLies.map((one) => [one.peer, one]))
  }

  /** A file that cannot be read counts as empty: whoever lies again is banned again. */
  static async open(path: string, clock: Clock): Promise<Distrust> {
    const text = await readPrivateFile(path, MAX_FILE_BYTES).catch(() => undefined)
    const file = DistrustFile.safeParse(fromJson(text?.toString('utf8')))
    return new Distrust(path, clock, file.data?.provenLies ?? [])
  }

  has(peer: PeerId): boolean {
    const entry = this.#entries.get(peer)
    return entry !== undefined && entry.until > this.#clock.wallMs()
  }

  list(): ProvenLie[] {
    return [...this.#entries.values()].filter(({ until }) => until > this.#clock.wallMs())
  }

  /** @returns false when it is distrusted already; the later end counts */
  add(provenLie: ProvenLie): boolean {
    const isNew = !this.has(provenLie.peer)
    const known = this.#entries.get(provenLie.peer)
    if (known && known.until >= provenLie.until) return false
    this.#entries.set(provenLie.peer, provenLie)
    if (this.#entries.size > MAX_ENTRIES) {
      const first = [...this.#entries.values()].reduce((a, b) => (a.until <= b.until ? a : b))
      this.#entries.delete(first.peer)
    }
    this.#keep()
    return isNew
  }

  /** Waits for what is being written. */
  async close(): Promise<void> {
    await this.#writing
  }

  #keep(): void {
    const text = () => JSON.stringify({ v: 1, provenLies: this.list() })
    // A full disk costs the memory of it over a restart.
    this.#writing = this.#writing.then(() => writePrivateFile(this.#path, text())).catch(() => {})
  }
}

function fromJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return undefined
  }
}
