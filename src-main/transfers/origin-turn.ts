import type { Priority } from '../contract/request.ts'
import type { OriginLane } from './origin-lane.ts'
import type { OriginSlots, SlotTicket, SlotUse } from './origin-slots.ts'
import type { TransferEffect } from './transfer-events.ts'

/** What a transfer does at its origin. */
export type OriginEffect = Extract<
  TransferEffect,
  { readonly do: 'enterLine' | 'leaveLine' | 'startOrigin' | 'holdOrigin' | 'goOnOrigin' | 'stopOrigin' }
>

/** A transfer's place among this PC's downloads from origins, and its download once it has a slot. */
export class OriginTurn {
  readonly #slots: OriginSlots
  readonly #lane: OriginLane
  readonly #use: SlotUse
  readonly #priority: () => Priority
  readonly #granted: () => void
  #ticket: SlotTicket | null = null

  constructor(
    slots: OriginSlots,
    lane: OriginLane,
    {
      use,
      priority,
      granted
    }: { readonly use: SlotUse; readonly priority: () => Priority; readonly granted: () => void }
  ) {
    this.#slots = slots
    this.#lane = lane
    this.#use = use
    this.#priority = priority
    this.#granted = granted
  }

  /** Downloads that get a slot before it; null: it is not in the line. */
  get ahead(): number | null {
    return this.#ticket?.ahead ?? null
  }

  /** Bytes have come from the origin. */
  received(): void {
    this.#ticket?.received()
  }

  /** Its priority may have changed. */
  prioritise(): void {
    this.#ticket?.prioritise(this.#priority())
  }

  perform(effect: OriginEffect): void {
    switch (effect.do) {
      case 'enterLine':
        this.#ticket = this.#slots.enter(this.#priority(), this.#granted, this.#use)
        return
      case 'leaveLine':
        this.#ticket?.leave()
        this.#ticket = null
        return
      case 'startOrigin':
        return this.#lane.start()
      case 'holdOrigin':
        return this.#lane.hold()
      case 'goOnOrigin':
        return this.#lane.goOn()
      case 'stopOrigin':
        return this.#lane.stop()
    }
  }
}
