import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nameOfUrl } from './ignored-query.ts'

test('parameters that do not count are left out for their hosts alone; the rest stays as it is spelled', () => {
  const rules = ['cdn.example?token', '*.mirror.example?Session']
  for (const [url, name] of [
    ['https://cdn.example/a?token=1&b=%20+x', 'https://cdn.example/a?b=%20+x'],
    ['https://cdn.example/a?TOKEN=1', 'https://cdn.example/a'],
    ['https://cdn.example/a?to%6ben=1', 'https://cdn.example/a'],
    ['https://cdn.example/a?b=token', 'https://cdn.example/a?b=token'],
    ['https://other.example/a?token=1', 'https://other.example/a?token=1'],
    ['https://eu.mirror.example/a?session=1&v=2', 'https://eu.mirror.example/a?v=2'],
    ['https://cdn.example/a', 'https://cdn.example/a']
  ] as const)
    expect(nameOfUrl(url, rules)).toBe(name)
})

test('whatever the URL, its name is its own name', () => {
  fc.assert(
    fc.property(fc.webUrl({ withQueryParameters: true }), fc.constantFrom('a', 'x', 'token'), (text, parameter) => {
      const url = new URL(text).href
      const rules = [`${new URL(url).hostname}?${parameter}`]
      const name = nameOfUrl(url, rules)
      expect(nameOfUrl(name, rules)).toBe(name)
      expect([...new URL(name).searchParams.keys()].map((key) => key.toLowerCase())).not.toContain(parameter)
      expect(nameOfUrl(url, [])).toBe(url)
    })
  )
})
