import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import type { Decision } from '../claims/claims.ts'
import type { HubKept } from '../contract/hub-messages.ts'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import { Bitmap } from '../lib/bitmap.ts'
import { planPieces } from '../pieces/plan.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import type { Job } from './job.ts'
import type { Site, SiteEvents } from './site.ts'
import { SitePart } from './site-part.ts'
import { Swarm } from './swarm.ts'

const self = '0'.repeat(64) as PeerId
const other = '1'.repeat(64) as PeerId
const deposit = 'd'.repeat(64) as PeerId
const key = `version:${'a'.repeat(64)}` as ContentKey
const plan = planPieces(4 * 1024 * 1024)

/** The part of a subnet's master that reaches no other PC, and a hub with a deposit. */
function rig() {
  const claim = Object.assign(new EventEmitter<{ decision: [Decision] }>(), {
    update: () => {},
    close: () => {},
    report: () => {}
  })
  let asked = 0
  const site = Object.assign(new EventEmitter<SiteEvents>(), {
    use: 'up',
    limits: { answerMs: 1000, connectMs: 2000, firstByteMs: 5000, stallMs: 10_000 },
    open: () => claim,
    introduce: async () => 'unreachable',
    isDeposit: (id: PeerId) => id === deposit,
    askDeposit: () => ++asked > 0,
    failed: () => {},
    alone: () => {}
  })
  const network = {
    self,
    isBanned: () => false,
    verifyCredential: () => undefined,
    send: () => true,
    peer: () => undefined
  }
  const partial = { have: new Bitmap(plan.count) }
  const job = { key, plan, partial, world: { clock: fakeClock(), network, weight: () => 1 } } as unknown as Job
  const swarm = new Swarm(job)
  const hooks = { gate: () => {}, led: () => {}, progressed: () => {} }
  const part = new SitePart(job, site as unknown as Site, swarm, hooks, () => true)
  part.localRole('master')
  return {
    part,
    swarm,
    askedTimes: () => asked,
    decide: async () => {
      const holders = [{ id: deposit, pieces: 1, complete: false }]
      claim.emit('decision', { role: 'follower', epoch: 1, master: other, masters: [], holders } as never)
      await new Promise(setImmediate)
    },
    says: (map: Bitmap) => {
      const { lengthBytes } = plan
      const kept: HubKept = { t: 'hub.kept', to: 'ask', key, lengthBytes, map: map.toBase64(), signers: [] }
      site.emit('deposit', deposit, key, kept)
    },
    hubGoes: () => void site.emit('depositLost', deposit)
  }
}

test('a deposit whose hub went and is back is asked again', async () => {
  const { part, swarm, askedTimes, decide, says, hubGoes } = rig()
  await decide()
  expect(askedTimes()).toBe(1)
  says(Bitmap.full(plan.count))
  expect(swarm.neighbours.get(deposit)?.offered?.complete).toBe(true)
  expect(part.phase).toBe('relaying')
  hubGoes()
  expect(swarm.neighbours.get(deposit)).toBeUndefined()
  expect(part.phase).toBe('alone')
  await decide()
  expect(askedTimes()).toBe(2)
  says(Bitmap.full(plan.count))
  expect(swarm.neighbours.get(deposit)?.offered?.complete).toBe(true)
  part.close()
})
