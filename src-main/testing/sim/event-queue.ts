/** Something that is to happen at a time; equal times in the order in which they were set. */
export interface QueuedEvent {
  readonly atMs: number
  readonly order: number
  readonly happen: () => void
  cancelled: boolean
}

/** Events by time, in a binary heap. A cancelled one stays where it is and is left out when its time has come. */
export class EventQueue {
  readonly #heap: QueuedEvent[] = []
  #order = 0

  /** @param atMs simulated */
  add(atMs: number, happen: () => void): QueuedEvent {
    const event: QueuedEvent = { atMs, order: this.#order++, happen, cancelled: false }
    const heap = this.#heap
    let i = heap.length
    heap.push(event)
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!before(event, heap[parent]!)) break
      heap[i] = heap[parent]!
      i = parent
    }
    heap[i] = event
    return event
  }

  /** Takes the first event that is due by then. @returns undefined when there is none */
  take(untilMs: number): QueuedEvent | undefined {
    for (;;) {
      const first = this.#heap[0]
      if (first === undefined || first.atMs > untilMs) return undefined
      this.#removeFirst()
      if (!first.cancelled) return first
    }
  }

  #removeFirst(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let i = 0
    for (;;) {
      const left = 2 * i + 1
      if (left >= heap.length) break
      const right = left + 1
      const least = right < heap.length && before(heap[right]!, heap[left]!) ? right : left
      if (!before(heap[least]!, last)) break
      heap[i] = heap[least]!
      i = least
    }
    heap[i] = last
  }
}

function before(a: QueuedEvent, b: QueuedEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}
