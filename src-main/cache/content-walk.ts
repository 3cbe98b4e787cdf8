import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sha256Hex } from '../contract/ids.ts'
import type { Layout } from './layout.ts'

/** One folder of the content tree: what lies there under the names of contents, and what has no business there. */
export interface WalkedFolder {
  readonly contents: ReadonlyMap<Sha256Hex, { bytes: boolean; sidecar: boolean }>
  /** Files and links with other names, or in the wrong folder. */
  readonly strays: readonly string[]
}

const TWO_DIGITS = /^[0-9a-f]{2}$/

/** First two digits of every digest there can be: what is done for all contents is done for one of these after the other. */
export const BEGINNINGS: readonly string[] = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))

/** Goes through the content tree without following links. */
export async function* walkContents(layout: Layout): AsyncGenerator<WalkedFolder> {
  const strays: string[] = []
  for (const first of await readdir(layout.contentRoot, { withFileTypes: true })) {
    if (first.isDirectory() && TWO_DIGITS.test(first.name)) yield* walkBeginning(layout, first.name)
    else if (!first.isDirectory()) strays.push(join(layout.contentRoot, first.name))
  }
  if (strays.length > 0) yield { contents: new Map(), strays }
}

/** Those of {@link BEGINNINGS} for which there is a folder, which need not have anything in it. */
export async function beginningsOnDisk(layout: Layout): Promise<Set<string>> {
  const entries = await readdir(layout.contentRoot, { withFileTypes: true })
  return new Set(entries.filter((entry) => entry.isDirectory() && TWO_DIGITS.test(entry.name)).map(({ name }) => name))
}

/** The part of the content tree whose digests begin with these two digits, one of {@link beginningsOnDisk}. */
export async function* walkBeginning(layout: Layout, beginning: string): AsyncGenerator<WalkedFolder> {
  const above = join(layout.contentRoot, beginning)
  const strays: string[] = []
  for (const second of await readdir(above, { withFileTypes: true })) {
    const folder = join(above, second.name)
    if (second.isDirectory() && TWO_DIGITS.test(second.name)) yield await lookInto(folder, beginning + second.name)
    else if (!second.isDirectory()) strays.push(folder)
  }
  if (strays.length > 0) yield { contents: new Map(), strays }
}

async function lookInto(folder: string, beginning: string): Promise<WalkedFolder> {
  const contents = new Map<Sha256Hex, { bytes: boolean; sidecar: boolean }>()
  const strays: string[] = []
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const match = /^([0-9a-f]{64})(\.json)?$/.exec(entry.name)
    if (!match?.[1]!.startsWith(beginning)) {
      if (!entry.isDirectory()) strays.push(join(folder, entry.name))
      continue
    }
    const sha256 = match[1] as Sha256Hex
    const known = contents.get(sha256) ?? { bytes: false, sidecar: false }
    contents.set(sha256, match[2] ? { ...known, sidecar: true } : { ...known, bytes: true })
  }
  return { contents, strays }
}
