import { describe, expect, it } from 'vitest'
import type { PeerId } from '../contract/ids.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { FloodGuard } from './flood-guard.ts'

const id = (n: number) => n.toString(16).padStart(64, '0') as PeerId

describe('tables that many members open at once', () => {
  it.each([10, 1000])(
    'cost a coordinator among %i members a bounded number of hashes; a quiet one opens its own',
    async (members) => {
      const clock = fakeClock()
      const guard = new FloodGuard(clock)
      const flood = () => {
        let opened = 0
        for (let n = 0; n < 200; n++) for (let i = 0; i < 300; i++) if (guard.mayOpen(id(n), members)) opened++
        return opened
      }
      flood()
      await clock.pass(10_000)
      const steady = flood() / 10
      // Of all together, what each has for sure, and never more than each may alone.
      expect(steady * members).toBeLessThanOrEqual(100_000 + 200 * 0.2 * members + 200 * members)
      expect(steady).toBeLessThanOrEqual(200 * 200)
      const quiet = id(9999)
      for (let i = 0; i < 20; i++) expect(guard.mayOpen(quiet, members)).toBe(true)
    }
  )
})
