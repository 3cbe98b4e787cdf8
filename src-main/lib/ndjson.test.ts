import { expect, test } from 'vitest'
import { z } from 'zod'
import { linesOf } from './ndjson.ts'

test('what cannot be read is left out, and nothing else', () => {
  const line = z.strictObject({ n: z.number() })
  expect(linesOf(line, '{"n":1}\n\n{"n":"2"}\n{"n":3,"x":0}\nno JSON\n{"n":4}\n{"n":5')).toEqual([{ n: 1 }, { n: 4 }])
  expect(linesOf(line, '')).toEqual([])
})
