import type { z } from 'zod'

/** The lines of a file of one JSON value each. What cannot be read is left out: a line that was cut off, another version's, a damaged file. */
export function linesOf<T>(schema: z.ZodType<T>, text: string): T[] {
  return text.split('\n').flatMap((line) => {
    if (line === '') return []
    try {
      const parsed = schema.safeParse(JSON.parse(line))
      return parsed.success ? [parsed.data] : []
    } catch {
      return []
    }
  })
}
