// @vitest-environment node
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { reuse } from './reuse.ts'

test('always equals the next value', () => {
  fc.assert(fc.property(fc.jsonValue(), fc.jsonValue(), (last, next) => {
    expect(JSON.stringify(reuse(last, structuredClone(next)))).toBe(JSON.stringify(next))
  }))
})

test('keeps the identity of everything when nothing changed', () => {
  const drawn = fc.oneof(fc.jsonValue(), fc.array(fc.record({ id: fc.string(), n: fc.integer() }), { size: 'small' }))
  fc.assert(fc.property(drawn, (made) => {
    const text = JSON.stringify(made)
    // Left as it came, always: see below.
    fc.pre(!text.includes('"__proto__"'))
    const value = JSON.parse(text) as unknown
    const ids = Array.isArray(value) ? value.map((v) => (v as { id?: unknown } | null)?.id) : []
    fc.pre(new Set(ids).size === ids.length)
    expect(reuse(value, structuredClone(value))).toBe(value)
  }))
  const value = { requests: [{ id: 'a', split: { peerBytes: 1 } }], cache: { bytes: 5 } }
  expect(reuse(value, structuredClone(value))).toBe(value)
})

test('keeps the rows that did not change when a row is put before them', () => {
  const last = { requests: [{ id: 'a', n: 1 }, { id: 'b', n: 2 }], cache: { bytes: 5 } }
  const next = reuse(last, { requests: [{ id: 'new', n: 0 }, { id: 'a', n: 1 }, { id: 'b', n: 3 }], cache: { bytes: 5 } })
  expect(next.cache).toBe(last.cache)
  expect(next.requests[1]).toBe(last.requests[0])
  expect(next.requests[2]).toEqual({ id: 'b', n: 3 })
  expect(next.requests).not.toBe(last.requests)
})

test('does not let a field called __proto__ change a prototype', () => {
  const next = reuse({}, JSON.parse('{"__proto__":{"polluted":true}}') as object)
  expect((next as { polluted?: boolean }).polluted).toBeUndefined()
  expect(Object.keys(next)).toEqual(['__proto__'])
})
