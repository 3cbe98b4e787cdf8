import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { boundaryOf, cutRanges, parseByteRanges } from './multipart.ts'

const content = Buffer.concat([randomBytes(3000), Buffer.from('\r\n--edge--\r\n\r\n--edge\r\n'), randomBytes(3000)])

/** As servers write it, with what they may add. */
function bodyOf(
  ranges: readonly [start: number, end: number][],
  { boundary = 'edge', total = content.length, preamble = '' } = {}
): Buffer {
  const parts = ranges.flatMap(([start, end]) => [
    Buffer.from(
      `\r\n--${boundary}\r\nContent-Type: application/octet-stream\r\ncontent-range: bytes ${start}-${end - 1}/${total}\r\n\r\n`
    ),
    content.subarray(start, end)
  ])
  return Buffer.concat([Buffer.from(preamble), ...parts, Buffer.from(`\r\n--${boundary}--\r\n`)])
}

const someRanges = fc
  .array(fc.tuple(fc.nat(content.length - 1), fc.integer({ min: 1, max: 500 })), { minLength: 1, maxLength: 20 })
  .map((all) => all.map(([start, length]): [number, number] => [start, Math.min(content.length, start + length)]))

describe('an answer of several ranges', () => {
  it('gives each range its bytes, in whatever order they came, though the content looks like a boundary', () => {
    fc.assert(
      fc.property(someRanges, (ranges) => {
        const parts = parseByteRanges(bodyOf(ranges), 'edge', content.length)!
        expect(parts.map(({ start, end }) => [start, end])).toEqual(ranges)
        for (const { start, end, bytes } of parts) expect(bytes.equals(content.subarray(start, end))).toBe(true)
        const wanted = [...ranges].reverse().map(([start, end]) => ({ start, end }))
        const cut = cutRanges(parts, wanted)!
        expect(cut.every(({ start, end, bytes }) => bytes.equals(content.subarray(start, end)))).toBe(true)
      })
    )
  })

  it('is none when it is cut short anywhere, or about another length', () => {
    const body = bodyOf([
      [10, 60],
      [2990, 3020]
    ])
    // The last line break after the end is not part of it.
    for (let length = 0; length < body.length - 2; length++)
      expect(parseByteRanges(body.subarray(0, length), 'edge', content.length)).toBeNull()
    expect(parseByteRanges(body, 'edge', content.length)).toHaveLength(2)
    expect(parseByteRanges(body, 'edge', content.length + 1)).toBeNull()
  })

  it('is read or refused, and never throws, whatever bytes come', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.string({ minLength: 1, maxLength: 5 }), (bytes, boundary) => {
        const prefixed = Buffer.concat([Buffer.from(`--${boundary}\r\n`), bytes])
        for (const body of [Buffer.from(bytes), prefixed])
          expect([null, 'object']).toContain(parseByteRanges(body, boundary, 100) === null ? null : 'object')
      })
    )
  })

  it('may begin with a preamble', () => {
    expect(parseByteRanges(bodyOf([[0, 5]], { preamble: 'not read' }), 'edge', content.length)).toHaveLength(1)
  })

  it('says its boundary in quotes or without', () => {
    expect(boundaryOf('multipart/byteranges; boundary=abc')).toBe('abc')
    expect(boundaryOf('Multipart/ByteRanges; charset=x; boundary="a b:c"')).toBe('a b:c')
    expect(boundaryOf(`multipart/byteranges; boundary=${'x'.repeat(201)}`)).toBeNull()
    expect(boundaryOf('multipart/mixed; boundary=abc')).toBeNull()
    expect(boundaryOf('multipart/byteranges')).toBeNull()
    expect(boundaryOf(undefined)).toBeNull()
  })
})

describe('what came of several ranges', () => {
  it('may be joined by the server, and is nothing when a wanted byte is missing', () => {
    const parts = [{ start: 0, end: 100, bytes: content.subarray(0, 100) }]
    const wanted = [
      { start: 10, end: 20 },
      { start: 40, end: 100 }
    ]
    expect(cutRanges(parts, wanted)!.map(({ bytes }) => bytes.length)).toEqual([10, 60])
    expect(cutRanges(parts, [{ start: 90, end: 101 }])).toBeNull()
  })
})
