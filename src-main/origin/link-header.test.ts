import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseLinks } from './link-header.ts'

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/)
const value = fc.string({ unit: fc.constantFrom(...'abc xyz/;,="\\<>'), maxLength: 12 })
const link = fc.record({
  target: fc.stringMatching(/^[a-z0-9/:.?;,="-]{1,20}$/),
  params: fc.dictionary(name, value, { maxKeys: 4 })
})

describe('the Link field', () => {
  it('is read back as it was written, quotes and commas included', () => {
    fc.assert(
      fc.property(fc.array(link, { maxLength: 5 }), (links) => {
        const field = links
          .map(
            ({ target, params }) =>
              `<${target}>${Object.entries(params)
                .map(([n, v]) => `; ${n}="${v.replace(/["\\]/g, '\\$&')}"`)
                .join('')}`
          )
          .join(', ')
        expect(
          parseLinks(field).map((each) => ({ target: each.target, params: Object.fromEntries(each.params) }))
        ).toEqual(links.map(({ target, params }) => ({ target, params: { ...params } })))
      })
    )
  })

  it('is read in bounded time whatever it says', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'<>;,="\\ a'), maxLength: 200 }),
        (text) => void parseLinks(text)
      )
    )
    const started = performance.now()
    for (const text of [
      '<'.repeat(16_000),
      '<a>' + ';'.repeat(16_000),
      `<a>; x="${'\\'.repeat(15_000)}`,
      '<a>,'.repeat(4000),
      `<a>${' '.repeat(16_000)}`
    ])
      parseLinks(text)
    expect(performance.now() - started).toBeLessThan(3000)
  })

  it('takes the first of two parameters of one name, and unquoted ones', () => {
    const [first] = parseLinks('<a>; rel=next; REL=prev; title')
    expect(Object.fromEntries(first!.params)).toEqual({ rel: 'next', title: '' })
  })
})
