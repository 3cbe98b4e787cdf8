import type { GrowingCopy } from '../cache/cache.ts'
import { isSmall } from '../pieces/plan.ts'
import type { DestinationsInUse } from '../placing/destinations-in-use.ts'
import type { TransferWorld } from '../transfers/job.ts'
import type { JoinedTransfer } from '../transfers/supply.ts'
import { requireRoomFor, takePlace, type Place } from './destination.ts'
import type { Outcome } from './request-machine.ts'

/** A delivery of up to this size is over too soon to note it: what a kill leaves of it goes when its destination is asked for again. */
const BRIEF_BYTES = 1024 * 1024

type DeliveryWorld = Pick<TransferWorld, 'begunFiles' | 'cache'>

/** Where the file of one request goes, and what of it lies beside that place already. */
export class Delivery {
  readonly #world: DeliveryWorld
  readonly #place: Place
  readonly #overwrite: boolean
  #copy: Promise<GrowingCopy | undefined> | null = null
  #noted = false
  #ended = false

  private constructor(world: DeliveryWorld, place: Place, overwrite: boolean) {
    this.#world = world
    this.#place = place
    this.#overwrite = overwrite
  }

  /** @throws DESTINATION_INVALID, DESTINATION_EXISTS, DESTINATION_UNWRITABLE, DESTINATION_BUSY */
  static async prepare(
    world: DeliveryWorld,
    { destination, overwrite }: { readonly destination: string; readonly overwrite: boolean },
    inUse: DestinationsInUse
  ): Promise<Delivery> {
    return new Delivery(world, await takePlace(destination, overwrite, inUse), overwrite)
  }

  /** @throws DISK_FULL before anything is fetched that would not fit */
  async requireRoom(lengthBytes: number): Promise<void> {
    // A small one is found out about when it is written.
    if (!isSmall({ lengthBytes })) await requireRoomFor(this.#place.path, lengthBytes, this.#world.cache)
  }

  /** From now on the file grows along with this transfer. */
  follow(transfer: JoinedTransfer): void {
    this.#copy = this.#grow(transfer, this.#drop())
  }

  /** @throws what {@link Cache.deliver} does */
  async put({ sha256, lengthBytes }: Outcome, signal: AbortSignal): Promise<void> {
    const { path } = this.#place
    const copy = (await this.#copy) ?? undefined
    await this.#note(lengthBytes)
    try {
      await this.#world.cache.deliver(sha256, path, { overwrite: this.#overwrite, signal, copy })
      this.#copy = null
    } finally {
      await this.#forget()
    }
  }

  /** Others may have the place; what has grown there and was not delivered goes. @returns settles, never rejected, when it has gone; null: there is nothing */
  end(): Promise<void> | null {
    this.#ended = true
    const left = this.#drop()
    this.#place.release()
    return left
  }

  async #grow(transfer: JoinedTransfer, former: Promise<void> | null): Promise<GrowingCopy | undefined> {
    await former
    await this.#note(transfer.plan.lengthBytes)
    return this.#ended ? undefined : transfer.copyTo(this.#place.path, { overwrite: this.#overwrite })
  }

  #drop(): Promise<void> | null {
    const copy = this.#copy
    this.#copy = null
    return copy && copy.then((one) => one?.discard()).then(() => this.#forget())
  }

  async #note(lengthBytes: number): Promise<void> {
    if (this.#noted || lengthBytes <= BRIEF_BYTES) return
    this.#noted = true
    await this.#world.begunFiles?.note(this.#place.path)
  }

  async #forget(): Promise<void> {
    if (!this.#noted) return
    this.#noted = false
    await this.#world.begunFiles?.forget(this.#place.path)
  }
}
