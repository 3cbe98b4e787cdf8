import type { PeerId } from '../contract/ids.ts'
import { keepLatest } from '../lib/keep-latest.ts'

/** An agent of a site that speaks to this hub by way of another one. */
export interface AgentElsewhere {
  readonly site: string
  readonly id: PeerId
  readonly hub: PeerId
}

/** Agents that spoke by way of another hub last, and of which. Some are connected to this one, too. Those heard last are kept. */
export class AgentsElsewhere {
  readonly #most: number
  readonly #all = new Map<string, AgentElsewhere>()

  constructor(most: number) {
    this.#most = most
  }

  /** @returns one that there is no room for any more */
  heard(agent: AgentElsewhere): AgentElsewhere | undefined {
    const oldest = this.#all.values().next().value
    keepLatest(this.#all, nameOf(agent), agent, this.#most)
    return oldest && !this.#all.has(nameOf(oldest)) ? oldest : undefined
  }

  of(site: string, id: PeerId): AgentElsewhere | undefined {
    return this.#all.get(nameOf({ site, id }))
  }

  forget(site: string, id: PeerId): void {
    this.#all.delete(nameOf({ site, id }))
  }

  at(hub: PeerId): AgentElsewhere[] {
    return [...this.#all.values()].filter((agent) => agent.hub === hub)
  }

  hubs(): Set<PeerId> {
    return new Set([...this.#all.values()].map(({ hub }) => hub))
  }
}

const nameOf = ({ site, id }: Pick<AgentElsewhere, 'site' | 'id'>): string => `${site} ${id}`
