import { expect } from 'vitest'
import { ClaimLan, contentKeyOf, contentRanked, type LanAgent } from './claim-lan.ts'

/** A content that any agent may coordinate. */
export const key = contentKeyOf('a content')
/** Names of agents. */
export const ten = 'abcdefghij'.split('')

export function decisionOf(agent: LanAgent, k = key) {
  return agent.opened.get(k)!.decision
}

/** Every open claim has a master or follows this one in the same epoch. */
export function expectOneMaster(lan: ClaimLan, k = key): LanAgent {
  const masters = lan.masters(k)
  expect(masters.map((m) => m.name)).toHaveLength(1)
  const master = masters[0]!
  const elected = decisionOf(master, k)
  for (const a of lan.agents) {
    if (a === master || !a.opened.has(k)) continue
    expect(decisionOf(a, k)).toMatchObject({
      role: 'follower',
      master: master.id,
      epoch: elected.role === 'master' ? elected.epoch : -1
    })
  }
  return master
}

export function epochOf(agent: LanAgent, k = key): number {
  const d = decisionOf(agent, k)
  return d.role === 'undecided' ? 0 : d.epoch
}

/** Agents that are claimants of a content which an agent without a claim coordinates. */
export function swarm(
  names: string[],
  weights: number[] = []
): { lan: ClaimLan; coordinator: LanAgent; agents: LanAgent[]; k: ReturnType<typeof contentKeyOf> } {
  const lan = new ClaimLan()
  const [coordinator, ...agents] = lan.settled('coordinator', ...names)
  const k = contentRanked([coordinator!], lan.agents)
  for (const [i, a] of agents.entries()) a.open(k, { weight: weights[i] ?? 50 })
  lan.until(() => agents.every((a) => decisionOf(a, k).role !== 'undecided'))
  return { lan, coordinator: coordinator!, agents, k }
}
