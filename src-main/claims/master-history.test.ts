import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MasterHistory } from '../contract/peer-messages.ts'
import { peerIdOf } from '../testing/claim-lan.ts'
import { MAX_MASTERS, mergeMasters, rememberMaster } from './master-history.ts'

const ids = Array.from({ length: 6 }, (_, i) => peerIdOf(`h${i}`))
const history = fc
  .array(fc.record({ epoch: fc.nat(60), master: fc.constantFrom(...ids) }), { maxLength: MAX_MASTERS })
  .map((entries) => mergeMasters([], entries))

describe('the history of masters', () => {
  test('keeps both masters of one epoch', () => {
    const merged = mergeMasters(rememberMaster([], 1, ids[0]!), rememberMaster([], 1, ids[1]!))
    expect(merged.map((e) => e.master).toSorted()).toEqual([ids[0], ids[1]].toSorted())
  })

  test('does not believe entries of epochs the teller does not know of, or of none', () => {
    expect(
      mergeMasters(
        [],
        [
          { epoch: 9, master: ids[0]! },
          { epoch: 0, master: ids[1]! },
          { epoch: 2, master: ids[2]! }
        ],
        5
      )
    ).toEqual([{ epoch: 2, master: ids[2] }])
  })

  test('merges the same whatever comes first, forgets the oldest beyond the bound, and can be sent', () => {
    fc.assert(
      fc.property(history, history, (a, b) => {
        const merged = mergeMasters(a, b)
        expect(merged).toEqual(mergeMasters(b, a))
        expect(mergeMasters(merged, a)).toBe(merged)
        MasterHistory.parse(merged)
        const newest = Math.max(0, ...a.map((e) => e.epoch), ...b.map((e) => e.epoch))
        expect(merged.at(-1)?.epoch ?? 0).toBe(newest)
        if (a.length + b.length <= MAX_MASTERS) for (const e of [...a, ...b]) expect(merged).toContainEqual(e)
      })
    )
  })
})
