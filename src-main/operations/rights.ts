// Why it is like this: docs/decisions/0080-one-agent-for-all-users-of-a-pc.md
import type { Right } from '../contract/operations/operation.ts'
import type { RequestId } from '../contract/ids.ts'
import { LarderError } from '../lib/errors.ts'
import type { Person } from './person.ts'

/** What one person asks of the agent. */
export interface Asked {
  /** Of the operation. */
  readonly right: Right | undefined
  /** Where the agent is to put a file. */
  readonly destination?: string | undefined
}

/**
 * Who may ask for what; null: this person may. `person` undefined: the user whose own agent it is.
 *
 * | person            | user rows           | admin rows | a file written by the agent |
 * |-------------------|---------------------|------------|-----------------------------|
 * | the agent's own   | all                 | yes        | yes                         |
 * | administrator     | about everybody     | yes        | no: it would be the agent's |
 * | another user      | about their own     | no         | no                          |
 */
export function refusalOf(person: Person | undefined, { right = 'admin', destination }: Asked): LarderError | null {
  if (person === undefined) return null
  if (right === 'admin' && !person.admin)
    return new LarderError('RIGHT_MISSING', `${person.name} may not do this on a PC that several people use`, {
      user: person.name
    })
  if (destination !== undefined)
    return new LarderError(
      'DESTINATION_INVALID',
      'This agent serves all users of the PC and writes no file for them; ask without destination and take the content',
      { destination }
    )
  return null
}

/** Whether a person sees and may change a request. `owner`: id of the person who asked; undefined: nobody of the PC's users. */
export function isTheirs(person: Person, owner: string | undefined): boolean {
  return person.admin || owner === person.id
}

/** What is said of a request that is somebody else's: the same as of one that never was. */
export const noSuchRequest = (id: RequestId): LarderError => new LarderError('NOT_FOUND', `There is no request ${id}`)
