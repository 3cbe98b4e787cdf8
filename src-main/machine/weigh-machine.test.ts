import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { MachineFacts } from './machine-facts.ts'
import { weighMachine, type WeightRules } from './weigh-machine.ts'

const GIB = 1024 ** 3
const facts = (more: Partial<MachineFacts> = {}): MachineFacts => ({
  form: 'desktop',
  battery: null,
  link: { kind: 'wired', metered: false },
  busy: 0.1,
  freeBytes: 100 * GIB,
  ...more
})
const rules = (more: Partial<WeightRules> = {}): WeightRules => ({
  configured: null,
  allowVpn: false,
  allowMetered: false,
  minBatteryPercent: 20,
  minFreeBytes: 2 * GIB,
  ...more
})
const wifi = { kind: 'wireless', metered: null } as const
const onMains = { percent: 80, discharging: false }
const onBattery = { percent: 80, discharging: true }

describe('the weight of a machine', () => {
  it.each<[string, Partial<MachineFacts>, number, string]>([
    ['a server', { form: 'server' }, 61, 'is a server'],
    ['a desktop', {}, 50, 'is a desktop'],
    [
      'a machine of which nothing is known',
      { form: 'unknown', link: null, busy: null, freeBytes: null },
      50,
      'is a desktop'
    ],
    ['a laptop on mains and cable', { form: 'laptop', battery: onMains }, 40, 'is a laptop on mains'],
    ['a desktop on Wi-Fi', { link: wifi }, 30, 'is on Wi-Fi'],
    ['a server on Wi-Fi', { form: 'server', link: wifi }, 30, 'is on Wi-Fi'],
    ['a laptop on Wi-Fi', { form: 'laptop', battery: onMains, link: wifi }, 30, 'is on Wi-Fi'],
    ['a laptop on battery', { form: 'laptop', battery: onBattery }, 20, 'runs on battery'],
    ['a laptop on battery and Wi-Fi', { form: 'laptop', battery: onBattery, link: wifi }, 20, 'runs on battery'],
    ['a server whose power supply has failed', { form: 'server', battery: onBattery }, 20, 'runs on battery'],
    ['a busy desktop', { busy: 0.95 }, 40, 'is a desktop and is busy'],
    ['a busy laptop on battery', { form: 'laptop', battery: onBattery, busy: 1 }, 10, 'runs on battery and is busy']
  ])('%s', (_, more, value, why) => expect(weighMachine(facts(more), rules())).toMatchObject({ value, why }))

  it.each<[string, Partial<MachineFacts>, Partial<WeightRules>, string]>([
    ['on a VPN', { link: { kind: 'vpn', metered: null } }, { allowVpn: true }, 'reaches origins through a VPN'],
    [
      'on a metered connection',
      { link: { kind: 'wireless', metered: true } },
      { allowMetered: true },
      'is on a metered connection'
    ],
    [
      'on a mobile network',
      { link: { kind: 'cellular', metered: true } },
      { allowMetered: true },
      'is on a mobile network'
    ],
    [
      'with little charge',
      { battery: { percent: 19, discharging: true } },
      { minBatteryPercent: 0 },
      'has 19 % battery left'
    ],
    ['with a full disk', { freeBytes: GIB }, { minFreeBytes: 0 }, 'has too little free disk space']
  ])('is 0 %s, unless that is allowed, whatever the administrator set', (_, more, allowed, why) => {
    expect(weighMachine(facts(more), rules())).toMatchObject({ value: 0, why })
    expect(weighMachine(facts(more), rules({ configured: 99 }))).toMatchObject({ value: 0, why })
    expect(weighMachine(facts(more), rules({ configured: 99, ...allowed }))).toMatchObject({ value: 99 })
    expect(weighMachine(facts(more), rules(allowed)).value).toBeGreaterThan(0)
  })

  it('is what the administrator set, 0 included', () => {
    expect(weighMachine(facts({ busy: 1, link: wifi }), rules({ configured: 77 }))).toMatchObject({
      value: 77,
      why: 'has the weight that the administrator set'
    })
    expect(weighMachine(facts(), rules({ configured: 0 })).value).toBe(0)
  })

  it('is not ruled out by a little charge while on mains, or by what is unknown', () => {
    expect(weighMachine(facts({ battery: { percent: 3, discharging: false } }), rules()).value).toBe(50)
    expect(weighMachine(facts({ battery: { percent: null, discharging: true } }), rules()).value).toBe(20)
    expect(weighMachine(facts({ freeBytes: null }), rules()).value).toBe(50)
  })

  it('says what it was decided on', () => {
    expect(
      weighMachine(
        facts({
          form: 'laptop',
          battery: onBattery,
          link: { kind: 'wireless', metered: true },
          busy: 0.123,
          freeBytes: 5.25 * GIB
        }),
        rules()
      ).machine
    ).toBe('laptop, Wi-Fi, metered, battery 80 %, 5.3 GiB free, processors 12 % busy')
    expect(weighMachine(facts({ battery: onMains }), rules()).machine).toBe(
      'desktop, cable, battery 80 % on mains, 100 GiB free, processors 10 % busy'
    )
    expect(
      [0.05, 9.96, 999, 1024, 2048, 5.25 * 1024].map((gib) =>
        weighMachine(facts({ link: null, busy: null, freeBytes: gib * GIB }), rules()).machine.replace('desktop, ', '')
      )
    ).toEqual(['0.1 GiB free', '10 GiB free', '999 GiB free', '1 TiB free', '2 TiB free', '5.3 TiB free'])
    expect(
      weighMachine({ form: 'unknown', battery: null, link: null, busy: null, freeBytes: null }, rules()).machine
    ).toBe('')
  })

  it('is always one that others accept, with words that fit into a claim', () => {
    const anyFacts = fc.record<MachineFacts>({
      form: fc.constantFrom('server', 'desktop', 'laptop', 'unknown'),
      battery: fc.option(
        fc.record({ percent: fc.option(fc.integer({ min: 0, max: 100 })), discharging: fc.boolean() })
      ),
      link: fc.option(
        fc.record({
          kind: fc.constantFrom('wired', 'wireless', 'cellular', 'vpn', 'unknown'),
          metered: fc.option(fc.boolean())
        })
      ),
      busy: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
      freeBytes: fc.option(fc.maxSafeNat())
    })
    fc.assert(
      fc.property(anyFacts, fc.option(fc.integer({ min: 0, max: 99 })), (some, configured) => {
        const { value, machine, why } = weighMachine(some, rules({ configured }))
        expect(Number.isInteger(value) && value >= 0 && value <= 99).toBe(true)
        expect(machine.length).toBeLessThanOrEqual(200)
        expect(why).toMatch(/^(is|runs|has|reaches) /)
      })
    )
  })
})
