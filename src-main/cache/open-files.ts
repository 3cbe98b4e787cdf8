import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import type { Clock } from '../lib/clock.ts'

const MOST_OPEN = 64
const IDLE_MS = 10_000
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0
const flags = { r: constants.O_RDONLY | NO_FOLLOW, 'r+': constants.O_RDWR | NO_FOLLOW } as const
type Mode = keyof typeof flags

interface Slot {
  readonly path: string
  readonly handle: Promise<FileHandle>
  users: number
  lastUsed: number
  /** Not to be used again; closed with its last user. */
  leaving: boolean
  readonly closed: Promise<void>
  readonly close: () => void
}

/**
 * Files opened when needed, shared by those who use them at the same time, kept a moment for the next one. Never more than
 * {@link MOST_OPEN}. No link is followed.
 */
export class OpenFiles {
  readonly #slots = new Map<string, Slot>()
  /** Slots not to be used again whose file is still open. */
  readonly #leaving = new Set<Slot>()
  readonly #turns: (() => void)[] = []
  readonly #clock: Clock
  readonly #sweep: { cancel(): void }
  #open = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#sweep = clock.every(IDLE_MS, () => this.#closeIdle())
  }

  /** How many files are held open. */
  get size(): number {
    return this.#open
  }

  /** Lends the file to `work`; it stays open at least until `work` ends. */
  async use<T>(path: string, mode: Mode, work: (handle: FileHandle) => Promise<T>): Promise<T> {
    const slot = await this.#take(path, mode)
    try {
      return await work(await slot.handle)
    } finally {
      slot.users--
      slot.lastUsed = this.#clock.monotonicMs()
      if (slot.users === 0 && slot.leaving) slot.close()
      else if (this.#turns.length > 0) this.#closeOldest()
    }
  }

  /** Waits for the users of a file and closes it; before a rename or a delete. */
  async release(path: string): Promise<void> {
    for (const slot of this.#slots.values()) if (slot.path === path) this.#leave(slot)
    await Promise.all([...this.#leaving].filter((slot) => slot.path === path).map((slot) => slot.closed))
  }

  async close(): Promise<void> {
    this.#sweep.cancel()
    for (const slot of this.#slots.values()) this.#leave(slot)
    await Promise.all([...this.#leaving].map(({ closed }) => closed))
  }

  async #take(path: string, mode: Mode): Promise<Slot> {
    const name = `${mode} ${path}`
    for (;;) {
      const known = this.#slots.get(name)
      if (known) {
        known.users++
        return known
      }
      if (this.#open < MOST_OPEN) return this.#add(name, path, mode)
      if (!this.#closeOldest()) await new Promise<void>((resolve) => this.#turns.push(resolve))
    }
  }

  #add(name: string, path: string, mode: Mode): Slot {
    this.#open++
    const handle = open(path, flags[mode])
    const { promise: closed, resolve } = Promise.withResolvers<void>()
    const close = () => {
      void handle
        .then((opened) => opened.close())
        .catch(() => {})
        .then(() => {
          this.#open--
          this.#leaving.delete(slot)
          resolve()
          this.#turns.shift()?.()
        })
    }
    const slot: Slot = { path, handle, users: 1, lastUsed: this.#clock.monotonicMs(), leaving: false, closed, close }
    this.#slots.set(name, slot)
    handle.catch(() => this.#leave(slot))
    return slot
  }

  #leave(slot: Slot): void {
    if (slot.leaving) return
    slot.leaving = true
    this.#leaving.add(slot)
    for (const [name, other] of this.#slots) if (other === slot) this.#slots.delete(name)
    if (slot.users === 0) slot.close()
  }

  #closeIdle(): void {
    for (const slot of this.#slots.values())
      if (slot.users === 0 && this.#clock.monotonicMs() - slot.lastUsed >= IDLE_MS) this.#leave(slot)
  }

  #closeOldest(): boolean {
    const unused = [...this.#slots.values()]
      .filter((slot) => slot.users === 0)
      .sort((a, b) => a.lastUsed - b.lastUsed)[0]
    if (unused) this.#leave(unused)
    return unused !== undefined
  }
}
