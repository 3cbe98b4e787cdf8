import type { KeyObject } from 'node:crypto'
import { numberOfRecallList, readRecallList, type RecallList } from './recall-list.ts'

/** The newest recall list this agent knows; it only ever moves forward. */
export class RecallListHolder {
  readonly #caPublicKey: KeyObject
  readonly #keep: (list: RecallList) => void
  #list: RecallList

  /** `keep` is called with each list that is adopted. */
  constructor(caPublicKey: KeyObject, list: RecallList, keep: (list: RecallList) => void) {
    this.#caPublicKey = caPublicKey
    this.#list = list
    this.#keep = keep
  }

  get list(): RecallList {
    return this.#list
  }

  offer(bytes: Uint8Array): 'adopted' | 'old' | 'forged' {
    // Looked at first: whoever sends old lists again and again must not make this agent check a signature for each.
    if (numberOfRecallList(bytes) <= this.#list.number) return 'old'
    const list = readRecallList(bytes, this.#caPublicKey)
    if (!list) return 'forged'
    this.#list = list
    this.#keep(list)
    return 'adopted'
  }
}
