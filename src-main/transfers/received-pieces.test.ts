import { describe, expect, it } from 'vitest'
import { Bitmap } from '../lib/bitmap.ts'
import { planPieces } from '../pieces/plan.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { Arrivals } from './arrivals.ts'
import { ReceivedPieces } from './received-pieces.ts'

const KIB = 1024
const MIB = 1024 * KIB

function intakeOf(bytes: number) {
  const clock = fakeClock()
  const plan = planPieces(bytes)
  const have = new Bitmap(plan.count)
  const told: number[] = []
  const arrivals = new Arrivals(clock, { note: () => {} }, () => told.push(clock.monotonicMs()))
  return { clock, have, told, arrivals, intake: new ReceivedPieces(plan, have, arrivals) }
}

describe('a transfer on a thin line', () => {
  it('tells rate and time left to 15 % from 3 s on, though its first piece takes seven', async () => {
    const { clock, have, intake, arrivals, told } = intakeOf(6 * MIB)
    const rate = 150 * KIB
    const arrival = arrivals.open('origin')
    let received = 0
    for (let ms = 0; received < 6 * MIB - 16 * KIB; ms += 100) {
      const before = Math.floor(received / MIB)
      received += rate / 10
      arrival.received(rate / 10)
      if (Math.floor(received / MIB) > before) {
        arrival.settled(MIB)
        have.add(before)
        intake.arrived(before, MIB, 'origin')
      }
      expect(intake.haveBytes + intake.arrivingBytes).toBe(received)
      if (ms >= 3000) {
        expect(intake.bytesPerSecond / rate).toBeGreaterThan(0.85)
        expect(intake.bytesPerSecond / rate).toBeLessThan(1.15)
        const leftMs = ((6 * MIB - received) / rate) * 1000
        expect(intake.remainingMs! / leftMs).toBeGreaterThan(0.85)
        expect(intake.remainingMs! / leftMs).toBeLessThan(1.15)
      }
      await clock.pass(100)
    }
    // People are told between pieces too, four times a second at most.
    expect(told.length).toBeGreaterThan(3 * 40)
    expect(told.length).toBeLessThanOrEqual(4 * 42)
  })

  it('counts what is under way once, and never more than is missing', () => {
    const { intake, arrivals, have } = intakeOf(MIB + 10)
    const [first, second] = [arrivals.open('peer'), arrivals.open('peer')]
    first.received(MIB)
    second.received(MIB)
    expect(intake.arrivingBytes).toBe(MIB + 10)
    first.settled(MIB)
    have.add(0)
    intake.arrived(0, MIB, 'peer')
    expect([intake.haveBytes, intake.arrivingBytes]).toEqual([MIB, 10])
    // The piece came twice: the second one is thrown away.
    second.end()
    second.end()
    second.received(5)
    expect([intake.haveBytes, intake.arrivingBytes]).toEqual([MIB, 0])
    expect(arrivals.received).toEqual({ origin: 0, peer: 2 * MIB })
  })
})
