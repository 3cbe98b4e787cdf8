import fc from 'fast-check'
import { relative, resolve, sep } from 'node:path'
import { expect, test } from 'vitest'
import { filePath } from './bundle-files.ts'

const root = resolve('renderer')

test('a path of the bundle never names a path outside, whatever is asked for', () => {
  const piece = fc.constantFrom(
    '..',
    '.',
    '%2e%2e',
    '%2f',
    '%5c',
    '\\',
    '/',
    '//',
    'a',
    '%00',
    'assets',
    '~',
    'C:',
    '%'
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const path = filePath(root, `/${pieces.join('')}`)
      if (path === null) return
      const inside = relative(root, resolve(path))
      expect(inside === '' || inside.split(sep)[0] === '..').toBe(false)
    })
  )
})
