import type { ToHub } from '../contract/hub-messages.ts'
import type { PeerId } from '../contract/ids.ts'
import { keepLatest } from '../lib/keep-latest.ts'
import { nameOf, type SiteContent } from './store.ts'

export type Put = Extract<ToHub, { t: 'claim.put' }>

/** The last claims of a hub's own agents, to say again to another owner. */
export class OwnPuts {
  readonly #most: number
  readonly #all = new Map<string, { readonly site: string; readonly by: Map<PeerId, Put> }>()

  constructor(most: number) {
    this.#most = most
  }

  note(content: SiteContent, from: PeerId, message: ToHub): void {
    const name = nameOf(content)
    const known = this.#all.get(name)
    if (message.t === 'claim.put') {
      const by = known?.by ?? new Map<PeerId, Put>()
      by.set(from, message)
      keepLatest(this.#all, name, { site: content.site, by }, this.#most)
    } else if (message.t === 'claim.close' && known?.by.delete(from) && known.by.size === 0) this.#all.delete(name)
  }

  /** @returns names of the contents that it claimed */
  lost(site: string, id: PeerId): string[] {
    const claimed: string[] = []
    for (const [name, known] of this.#all) {
      if (known.site !== site || !known.by.delete(id)) continue
      claimed.push(name)
      if (known.by.size === 0) this.#all.delete(name)
    }
    return claimed
  }

  has(name: string): boolean {
    return this.#all.has(name)
  }

  of(content: SiteContent): Iterable<[PeerId, Put]> {
    return this.#all.get(nameOf(content))?.by ?? []
  }
}
