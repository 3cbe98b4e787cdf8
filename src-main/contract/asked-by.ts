import { z } from 'zod'

/** The user's name as an agent that serves several users knows it, and the program's as it calls itself. */
export const AskedBy = z.object({
  /** `api`: a program over the local API; `precache`, `update`: Larder itself. */
  by: z.enum(['api', 'gateway', 'window', 'precache', 'update']),
  /** First product of its User-Agent: `curl`, `larder-get`; null: it gave none. */
  program: z
    .string()
    .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,40}$/)
    .nullable(),
  /** Null where an agent has one user. */
  user: z.string().min(1).max(100).nullable()
})
/** Who asked for a download. */
export type AskedBy = z.infer<typeof AskedBy>

/** Programs of Larder, as people call them. */
const ownPrograms: Readonly<Record<string, string>> = {
  'larder-get': 'larder get',
  'larder-client': 'a program using larder/client'
}

/** `larder get`, `apt (gateway)`, `curl, for anna`; to be read inside a sentence or alone. */
export function askerText({ by, program, user }: AskedBy): string {
  const name = program === null ? 'a program' : (ownPrograms[program] ?? program)
  const who = {
    api: name,
    gateway: `${name} (gateway)`,
    window: 'the Larder window',
    precache: 'pre-caching',
    update: 'the update of Larder'
  }[by]
  return user === null ? who : `${who}, for ${user}`
}
