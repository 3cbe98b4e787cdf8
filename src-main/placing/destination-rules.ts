import type { ErrorCode } from '../contract/errors.ts'

/** What is at a path, with links followed. */
export type AtPath =
  | 'nothing'
  | 'file'
  | 'folder'
  /** FIFO, device or socket. */
  | 'other'
  | 'link to nothing'
  /** The file system does not let us look. */
  | 'hidden'
  /** The name cannot be looked up at all: too long, links in a circle. */
  | 'impossible'

/** All that decides whether a file may be put at a path. */
export interface DestinationFacts {
  readonly there: AtPath
  /** Its last part is a link. */
  readonly link: boolean
  /** That link is another user's, in a folder where he may put links. */
  readonly foreignLink: boolean
  readonly folder: 'folder' | 'nothing' | 'other'
  /** New files may be made in the folder. */
  readonly folderWritable: boolean
  /** The cache folder it would lie in. */
  readonly cache: string | null
  /** What is there may be replaced. */
  readonly overwrite: boolean
}

export interface Refusal {
  readonly code: ErrorCode
  readonly why: string
}

/**
 * The rules for a destination, the same for every download; null: a file may be put there. A link to a file means its target: the
 * target is replaced and the link stays, as with `cp` and `curl -o`.
 */
export function refusalOf(facts: DestinationFacts): Refusal | null {
  const invalid = (why: string): Refusal => ({ code: 'DESTINATION_INVALID', why })
  if (facts.folder === 'nothing') return invalid('is in a folder that does not exist')
  if (facts.folder === 'other') return invalid('is not in a folder')
  if (facts.foreignLink) return invalid('is a link that another user has put there')
  if (facts.there === 'hidden') return { code: 'DESTINATION_UNWRITABLE', why: 'may not be looked at' }
  if (facts.there === 'impossible') return invalid('cannot be a file: the name is too long, or links lead in a circle')
  if (facts.there === 'link to nothing') return invalid('is a link to nothing')
  if (facts.there === 'folder') return invalid('is a folder')
  if (facts.there === 'other') return invalid('is not a file')
  if (facts.cache !== null) return invalid(`lies inside the cache ${facts.cache}`)
  if (facts.there === 'file' && !facts.overwrite) return { code: 'DESTINATION_EXISTS', why: 'exists already' }
  if (!facts.folderWritable) return { code: 'DESTINATION_UNWRITABLE', why: 'is in a folder that may not be written' }
  return null
}
