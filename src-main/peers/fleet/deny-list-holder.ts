import type { KeyObject } from 'node:crypto'
import type { PeerId } from '../../contract/ids.ts'
import { numberOfDenyList, readDenyList, type DenyList } from './deny-list.ts'

/** The newest deny list this agent knows; it only ever moves forward. */
export class DenyListHolder {
  readonly #caPublicKey: KeyObject
  readonly #keep: (list: DenyList) => void
  #list: DenyList

  /** `keep` is called with each list that is adopted. */
  constructor(caPublicKey: KeyObject, list: DenyList, keep: (list: DenyList) => void) {
    this.#caPublicKey = caPublicKey
    this.#list = list
    this.#keep = keep
  }

  get list(): DenyList {
    return this.#list
  }

  denies(id: PeerId): boolean {
    return this.#list.denied.has(id)
  }

  offer(bytes: Uint8Array): 'adopted' | 'old' | 'forged' {
    // Looked at first: whoever sends old lists again and again must not make this agent check a signature for each.
    if (numberOfDenyList(bytes) <= this.#list.number) return 'old'
    const list = readDenyList(bytes, this.#caPublicKey)
    if (!list) return 'forged'
    this.#list = list
    this.#keep(list)
    return 'adopted'
  }
}
