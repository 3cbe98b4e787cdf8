import fc from 'fast-check'
import { expect, test } from 'vitest'
import { writeFully } from './write-fully.ts'

test('every byte lands in its place however little the file system takes at a time', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.nat(50),
      fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
      (data, position, takes) => {
        const file = Buffer.alloc(position + data.length)
        writeFully(
          (bytes, offset, length, at) => {
            const taken = Math.min(length, takes.next().value)
            file.set(bytes.subarray(offset, offset + taken), at)
            return taken
          },
          data,
          position
        )
        expect(file.subarray(position).equals(data)).toBe(true)
      }
    )
  )
})

test('a file system that takes nothing more is an error, not an endless loop', () => {
  expect(() => writeFully(() => 0, Buffer.from('x'), 0)).toThrow(expect.objectContaining({ code: 'EIO' }))
})
