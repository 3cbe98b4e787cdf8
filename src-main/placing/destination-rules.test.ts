import fc from 'fast-check'
import { expect, test } from 'vitest'
import { refusalOf, type AtPath, type DestinationFacts } from './destination-rules.ts'

const facts = fc.record<DestinationFacts>({
  there: fc.constantFrom<AtPath>('nothing', 'file', 'folder', 'other', 'link to nothing', 'hidden', 'impossible'),
  link: fc.boolean(),
  foreignLink: fc.boolean(),
  folder: fc.constantFrom('folder', 'nothing', 'other'),
  folderWritable: fc.boolean(),
  cache: fc.constantFrom(null, '/cache'),
  overwrite: fc.boolean()
})

test('a file is put only where nothing is, or a file that may be replaced, in a folder that may be written, outside the cache', () => {
  fc.assert(
    fc.property(facts, (at) => {
      const fits = at.there === 'nothing' || (at.there === 'file' && at.overwrite)
      const free = at.folder === 'folder' && at.folderWritable && at.cache === null && !at.foreignLink
      expect(refusalOf(at) === null).toBe(fits && free)
    }),
    { numRuns: 2000 }
  )
})

test('what cannot be there is INVALID, a file in the way EXISTS, and missing rights are UNWRITABLE', () => {
  const fine: DestinationFacts = {
    there: 'nothing',
    link: false,
    foreignLink: false,
    folder: 'folder',
    folderWritable: true,
    cache: null,
    overwrite: true
  }
  const codeOf = (more: Partial<DestinationFacts>) => refusalOf({ ...fine, ...more })?.code ?? null
  expect(codeOf({})).toBeNull()
  expect(codeOf({ there: 'file' })).toBeNull()
  expect(codeOf({ there: 'file', overwrite: false })).toBe('DESTINATION_EXISTS')
  for (const there of ['folder', 'other', 'link to nothing', 'impossible'] as const)
    expect(codeOf({ there }), there).toBe('DESTINATION_INVALID')
  for (const more of [{ folder: 'nothing' }, { folder: 'other' }, { cache: '/c' }, { foreignLink: true }] as const)
    expect(codeOf(more), JSON.stringify(more)).toBe('DESTINATION_INVALID')
  for (const more of [{ there: 'hidden' }, { folderWritable: false }] as const)
    expect(codeOf(more), JSON.stringify(more)).toBe('DESTINATION_UNWRITABLE')
})
