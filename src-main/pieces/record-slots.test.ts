import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeSlot, RecordSlots, SLOT_BYTES } from './record-slots.ts'
import { recordOf } from '../testing/cache/test-cache.ts'

const digest = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes))

test('any bytes read as a map whose records carry their own index', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5 * SLOT_BYTES }), fc.nat(5), (bytes, count) => {
      const slots = new RecordSlots(count, bytes)
      for (let i = 0; i < count; i++)
        expect(slots.have.has(i) ? slots.record(i)?.index : slots.record(i)).toBe(slots.have.has(i) ? i : undefined)
    })
  )
})

test('slots written at their places read back, the others as not had', () => {
  fc.assert(
    fc.property(fc.array(fc.option(digest), { maxLength: 8 }), (digests) => {
      const file = Buffer.alloc(digests.length * SLOT_BYTES)
      for (const [i, one] of digests.entries()) if (one) encodeSlot(recordOf(i, one)).copy(file, i * SLOT_BYTES)
      const slots = new RecordSlots(digests.length, file)
      expect(digests.map((_, i) => slots.record(i)?.digest ?? null)).toEqual(digests)
    })
  )
})

test('a slot torn or flipped anywhere counts as empty', () => {
  fc.assert(
    fc.property(digest, fc.nat(SLOT_BYTES - 1), fc.integer({ min: 1, max: 255 }), (one, at, flip) => {
      const whole = encodeSlot(recordOf(0, one))
      const torn = Buffer.concat([whole.subarray(0, at), Buffer.alloc(SLOT_BYTES - at)])
      if (!torn.equals(whole)) expect(new RecordSlots(1, torn).have.has(0)).toBe(false)
      const flipped = Buffer.from(whole)
      flipped[at]! ^= flip
      expect(new RecordSlots(1, flipped).have.has(0)).toBe(false)
    })
  )
})

test('a record in the slot of another piece does not count', () => {
  const file = Buffer.concat([Buffer.alloc(SLOT_BYTES), encodeSlot(recordOf(0, Buffer.alloc(32, 1)))])
  expect(new RecordSlots(2, file).have.count).toBe(0)
})
