// @vitest-environment node
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSseParser, MAX_EVENT_CHARS } from './sse-parser.ts'

const line = fc.string({ unit: fc.constantFrom('a', 'é', ':', ' ', '{', '"') })
const messages = fc.array(fc.record({ event: fc.constantFrom('snapshot', 'event'), data: fc.array(line, { minLength: 1, maxLength: 3 }) }), { maxLength: 5 })

test('finds the same messages wherever the stream is cut and whatever ends its lines', () => {
  fc.assert(fc.property(messages, fc.constantFrom('\n', '\r\n', '\r'), fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), (sent, eol, cuts) => {
    const text = sent.map((m) => [`event: ${m.event}`, ': a comment', ...m.data.map((d) => `data: ${d}`), '', ''].join(eol)).join('') + ':end'
    const parse = createSseParser()
    const got = []
    for (let at = 0, i = 0; at < text.length; i++) {
      const size = cuts[i % cuts.length]!
      got.push(...parse(text.slice(at, at + size)))
      at += size
    }
    expect(got).toEqual(sent.map((m) => ({ event: m.event, data: m.data.join('\n') })))
  }))
})

test('a message without data is none', () => {
  expect(createSseParser()('event: snapshot\n\n: hello\n\n')).toEqual([])
})

test('a message without end is refused before it fills the memory', () => {
  const parse = createSseParser()
  const chunk = 'x'.repeat(1_000_000)
  expect(() => {
    for (let i = 0; i <= MAX_EVENT_CHARS / chunk.length; i++) parse(chunk)
  }).toThrow(RangeError)
})
