import type { PeerId } from '../../contract/ids.ts'
import { merkleRoot } from '../../pieces/merkle.ts'
import type { Job } from '../job.ts'
import type { Swarm } from '../swarm.ts'
import { DIGESTS_PER_MESSAGE, digestsOf } from './piece-digests.ts'

/** A holder that does not answer is asked nothing more. */
const ANSWER_MS = 3000
/** Places at which a holder is asked where it differs, for one content. */
const MOST_ASKED = 8

/** A complete holder says of this piece something else than what is here. */
export interface Dissent {
  readonly peer: PeerId
  readonly index: number
}

/**
 * Finds out whether complete holders have the same content as is here, and where they do not. All pieces must be here. One holder of each
 * place is asked, in random order, so that a liar with several identities does not speak in place of everybody else.
 */
export async function findDissent(job: Job, swarm: Swarm): Promise<Dissent[]> {
  const ours = digestsOf(job)
  const root = merkleRoot(ours).toString('hex')
  const others = [...swarm.neighbours.all()].filter((n) => n.root !== null && n.root !== root).map(({ id }) => id)
  const asked = oneOfEachPlace(others, job).slice(0, MOST_ASKED)
  const found = await Promise.all(asked.map((id) => firstDifference(job, swarm, id, ours)))
  return found.filter((one) => one !== undefined)
}

function oneOfEachPlace(ids: readonly PeerId[], { world }: Job): PeerId[] {
  const shuffled = ids.map((id) => ({ id, at: world.random() })).sort((a, b) => a.at - b.at)
  const byPlace = new Map<string, PeerId>()
  for (const { id } of shuffled) {
    const place = world.network.placeOf(id) ?? id
    if (!byPlace.has(place)) byPlace.set(place, id)
  }
  return [...byPlace.values()]
}

async function firstDifference(job: Job, swarm: Swarm, peer: PeerId, ours: Buffer): Promise<Dissent | undefined> {
  const { count } = job.plan
  for (let first = 0; first < count; first += DIGESTS_PER_MESSAGE) {
    const theirs = await ask(job, swarm, peer, first)
    if (theirs === undefined) return undefined
    for (let at = 0; at + 32 <= theirs.length; at += 32) {
      const index = first + at / 32
      if (index < count && !theirs.subarray(at, at + 32).equals(ours.subarray(index * 32, index * 32 + 32)))
        return { peer, index }
    }
  }
  return undefined
}

function ask({ key, world }: Job, swarm: Swarm, peer: PeerId, first: number): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const settle = (digests: Buffer | undefined) => {
      limit.cancel()
      swarm.off('digests', heard)
      resolve(digests)
    }
    const heard = (from: PeerId, at: number, digests: Buffer) => {
      if (from === peer && at === first) settle(digests)
    }
    const limit = world.clock.after(ANSWER_MS, () => settle(undefined))
    swarm.on('digests', heard)
    if (!world.network.send(peer, { t: 'swarm.askDigests', key, first })) settle(undefined)
  })
}
