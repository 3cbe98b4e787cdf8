import { createHash, randomBytes } from 'node:crypto'
import { basename } from 'node:path'

const SUFFIX = '.larder-part'
/** Longest name most file systems take, bytes. */
const MAX_NAME_BYTES = 255

/** Who is writing a part. */
export interface Writer {
  readonly pid: number
  /** The boot and process namespace its number counts in, see {@link thisPlace}. */
  readonly place: string
}

/**
 * A part's name says all there is to know of it:
 *
 *     .setup.msi.3f0a77c1b2…9e.4711-0c9d21fe-88b1a0d2.larder-part    being written by process 4711
 *     .setup.msi.3f0a77c1b2…9e.larder-part                           flushed and put aside for the next try
 *
 * The long number is that of the destination's name (8 digits) and of the source: URL, validator, length and request fields (24).
 */
export interface PartName {
  readonly file: string
  readonly destination: string
  /** Null: cannot be gone on with. */
  readonly source: string | null
  readonly writer: Writer | null
}

/** What a part's bytes come from, such that the same facts mean the same bytes: URL, validator, length, … */
export type SourceFacts = readonly (string | number)[]

/** 24 hex digits that reveal none of the facts. */
export function sourceId(facts: SourceFacts): string {
  return digits(JSON.stringify(facts), 24)
}

/** The name for a part of `destination` that `writer` begins now; never given twice. */
export function newPartName(destination: string, source: string | null, writer: Writer): string {
  // A source of nobody begins with a letter no digest has.
  const id = source ?? `x${randomBytes(12).toString('hex').slice(1)}`
  const random = randomBytes(4).toString('hex')
  return nameOf(destination, `${id}.${writer.pid}-${writer.place}-${random}`)
}

/** The name under which a part waits for the next try. */
export function keptPartName(destination: string, source: string): string {
  return nameOf(destination, source)
}

/** @returns undefined for any other file */
export function parsePartName(file: string): PartName | undefined {
  const found =
    /^\..+\.([0-9a-f]{8})([0-9a-fx][0-9a-f]{23})(?:\.(\d{1,10})-([0-9a-f]{8})-[0-9a-f]{8})?\.larder-part$/s.exec(file)
  if (!found) return undefined
  const [, destination, source, pid, place] = found
  return {
    file,
    destination: destination!,
    source: source!.startsWith('x') ? null : source!,
    writer: pid === undefined ? null : { pid: Number(pid), place: place! }
  }
}

/** The number that parts of this destination bear. */
export function destinationId(path: string): string {
  return digits(basename(path), 8)
}

function nameOf(path: string, rest: string): string {
  const tail = `.${destinationId(path)}${rest}${SUFFIX}`
  let short = basename(path)
  while (Buffer.byteLength(short) > MAX_NAME_BYTES - tail.length - 1) short = short.slice(0, -1)
  return `.${short.toWellFormed()}${tail}`
}

const digits = (text: string, count: number): string => createHash('sha256').update(text).digest('hex').slice(0, count)
