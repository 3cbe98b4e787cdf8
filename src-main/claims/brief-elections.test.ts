import { describe, expect, test } from 'vitest'
import { ClaimLan, contentKeyOf, contentRanked, peerIdOf } from '../testing/claim-lan.ts'
import { coordinatorOf } from './rendezvous.ts'
import { decisionOf, expectOneMaster, key, ten } from '../testing/claim-swarm.ts'

const brief = { pieceCount: 1 }

describe('the election for a content of one piece', () => {
  test('ends with the last answer', () => {
    const lan = new ClaimLan()
    const [a] = lan.settled('a', 'b', 'c')
    a!.open(key, brief)
    expect(lan.until(() => decisionOf(a!).role === 'master')).toBeLessThanOrEqual(10)
  })

  test('waits for nobody where nobody else is', () => {
    const lan = new ClaimLan()
    const [a] = lan.settled('a')
    a!.open(key, brief)
    expect(lan.until(() => decisionOf(a!).role === 'master')).toBeLessThanOrEqual(1)
  })

  test('waits for a busy PC that may have it', () => {
    const lan = new ClaimLan({ delayMs: (from) => (from === peerIdOf('busy') ? 1500 : 2) })
    const [coordinator, busy, late] = lan.settled('coordinator', 'busy', 'late')
    const k = contentRanked([coordinator!], lan.agents)
    busy!.holdings.set(k, { pieces: 1, complete: true })
    late!.open(k, brief)
    lan.pass(3000)
    expect(coordinator!.elections).toEqual([])
    expect(decisionOf(late!, k)).toMatchObject({ master: null, holders: [{ id: busy!.id, complete: true }] })
  })

  test('gives one that did not answer the last time a window all the same', () => {
    const lan = new ClaimLan()
    const [coordinator, hanging, late] = lan.settled('coordinator', 'hanging', 'late')
    const keys = Array.from({ length: 50 }, (_, i) => contentKeyOf(`content ${i}`)).filter(
      (k) => coordinatorOf(k, coordinator!.id, [hanging!.id, late!.id]) === coordinator!.id
    )
    hanging!.hang()
    late!.open(keys[0]!, brief)
    lan.until(() => decisionOf(late!, keys[0]!).role === 'master')
    hanging!.holdings.set(keys[1]!, { pieces: 1, complete: true })
    late!.open(keys[1]!, brief)
    lan.pass(100)
    hanging!.goOn()
    lan.pass(50)
    expect(decisionOf(late!, keys[1]!)).toMatchObject({ master: null, holders: [{ id: hanging!.id, complete: true }] })
  })

  test('costs a follower two words, and two are said to it', () => {
    const lan = new ClaimLan()
    lan.settled(...ten)
    const before = lan.sent.length
    for (const a of lan.agents) a.open(key, brief)
    lan.pass(50)
    const master = expectOneMaster(lan)
    for (const a of lan.agents) if (a !== master) expect(decisionOf(a)).toMatchObject({ holders: [] })
    for (const a of [master, ...lan.agents.filter((one) => one !== master)]) {
      a.opened.get(key)!.update({ pieces: 1, complete: true })
      lan.pass(3)
    }
    lan.pass(5000)
    for (const a of lan.agents) expect(a.claims.view()[0]).toMatchObject({ finished: true })
    const followers = lan.agents.length - 1
    // Put and holding; the decision. The question and its answer; and the coordinator may follow itself.
    expect(lan.sent.length - before).toBeLessThanOrEqual(5 * followers + 1)
  })

  test('is held again when the master is lost, and the next one knows who has it meanwhile', () => {
    const lan = new ClaimLan()
    const [coordinator, ...agents] = lan.settled('coordinator', 'a', 'b', 'c')
    const k = contentRanked([coordinator!], lan.agents)
    for (const a of agents) a.open(k, brief)
    lan.pass(50)
    const master = lan.masters(k)[0]!
    const [next, other] = agents.filter((a) => a !== master)
    next!.opened.get(k)!.update({ pieces: 1 })
    lan.pass(600)
    master.kill()
    lan.pass(20)
    expect(lan.masters(k)).toEqual([next])
    next!.opened.get(k)!.update({ complete: true })
    lan.pass(100)
    expect(decisionOf(other!, k)).toMatchObject({ master: null, holders: [{ id: next!.id, complete: true }] })
  })
})
