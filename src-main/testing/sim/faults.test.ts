import { describe, expect, it } from 'vitest'
import { createClaims } from '../../claims/claims-service.ts'
import { Transfers } from '../../transfers/transfers.ts'
import { downloadWithFaults } from './faulty-download.ts'
import { drawFaults, faultKinds } from './faults.ts'
import { seededRandom } from './seeded-random.ts'

describe('faults from a seed', () => {
  it('are the same for the same seed, of every kind, and never more than a third of the PCs dies or lies', () => {
    const draw = (seed: number) => drawFaults(seededRandom(`${seed}`), { pcs: 12, count: 8, withinMs: 1000 })
    expect(draw(1)).toEqual(draw(1))
    const kinds = new Set(Array.from({ length: 50 }, (_, seed) => draw(seed)).flatMap((f) => f.map(({ kind }) => kind)))
    expect([...kinds].toSorted()).toEqual([...faultKinds].toSorted())
    for (let seed = 0; seed < 50; seed++) {
      const lasting = draw(seed).filter(({ kind }) => ['kill', 'damaged bytes', 'false records'].includes(kind))
      expect(lasting.length).toBeLessThanOrEqual(4)
    }
  })
})

describe('a download while things go wrong', () => {
  it('is the same twice from one seed', async () => {
    const first = await downloadWithFaults({ seed: 'twice', pcs: 8, faults: 4 })
    expect(await downloadWithFaults({ seed: 'twice', pcs: 8, faults: 4 })).toEqual(first)
    expect(first.faults.length).toBeGreaterThan(2)
  })

  it.each(Array.from({ length: 8 }, (_, i) => `fault ${i}`))(
    'ends for everybody, and breaks no rule (%s)',
    async (seed) => {
      const { violations, overMs } = await downloadWithFaults({ seed, pcs: 10, faults: 4 })
      expect({ seed, violations }).toEqual({ seed, violations: [] })
      expect(overMs).not.toBeNull()
    }
  )
})

describe('a seed that once broke a rule', () => {
  it.each([
    ['a 72', 'a table that everybody had left was taken for the one that came after it'],
    ['a 104', 'the origin’s bytes of a piece that a peer had brought first were counted nowhere'],
    ['a 184', 'a killed asker’s request stayed at the one it had asked'],
    ['a 197', 'a liar that nobody spoke to any more was taken for a second master']
  ])('breaks none now (%s: %s)', async (seed) => {
    const { violations } = await downloadWithFaults({ seed, pcs: 12, faults: 5 })
    expect(violations).toEqual([])
  })
})

describe('a product with a fault put in on purpose is found out', () => {
  const violationsOf = async (product: Parameters<typeof downloadWithFaults>[0]['product'], faults = 0) => {
    const { violations } = await downloadWithFaults({ seed: 'broken', pcs: 6, faults, product })
    return violations.join('; ')
  }

  it('not without one', async () => {
    expect(await violationsOf({})).toBe('')
  })

  it('two that think they are master', async () => {
    const violations = await violationsOf({
      createClaims: (options) => {
        const claims = createClaims(options)
        // Each coordinator says to one more that it is the master.
        const { link } = options
        const send = link.send.bind(link)
        let toOne = false
        link.send = (to, message) => {
          if (message.t !== 'claim.decision' || message.master === to || message.master === null || toOne)
            return send(to, message)
          toOne = true
          return send(to, { ...message, master: to })
        }
        return claims
      }
    })
    expect(violations).toContain('are masters at the same time')
  })

  it('a coordinator whose epochs go back', async () => {
    const violations = await violationsOf({
      createClaims: (options) => {
        const { link } = options
        const send = link.send.bind(link)
        let sent = 0
        link.send = (to, message) =>
          send(to, message.t === 'claim.decision' && ++sent > 6 ? { ...message, epoch: message.epoch - 1 } : message)
        return createClaims(options)
      }
    })
    expect(violations).toContain('went back')
  })

  it('a coordinator that elects twice in one epoch', async () => {
    const violations = await violationsOf({
      createClaims: (options) =>
        createClaims({ ...options, onElected: (info) => [info, info].forEach((one) => options.onElected?.(one)) })
    })
    expect(violations).toContain('elected twice in epoch 1')
  })

  it('bytes of the origin that nobody counts, and a request that is told twice', async () => {
    class Forgetful extends Transfers {
      override get totals() {
        return { originBytes: 0, peerBytes: 0 }
      }
      override join(...[init, interest]: Parameters<Transfers['join']>) {
        const done = interest.transferDone.bind(interest)
        interest.transferDone = (content) => [content, content].forEach(done)
        return super.join(init, interest)
      }
    }
    const violations = await violationsOf({ Transfers: Forgetful })
    expect(violations).toContain('bytes of the origin and counts 0')
    expect(violations).toContain('was over 2 times')
  })

  it('a timer that is left behind', async () => {
    class Untidy extends Transfers {
      constructor(...args: ConstructorParameters<typeof Transfers>) {
        super(...args)
        args[0].clock.every(1000, () => {})
      }
    }
    expect(await violationsOf({ Transfers: Untidy })).toContain('left 1 timers')
  })
})
