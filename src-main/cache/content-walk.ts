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

/** Goes through the content tree without following links. */
export async function* walkContents(layout: Layout): AsyncGenerator<WalkedFolder> {
  const twoDigits = /^[0-9a-f]{2}$/
  const strays: string[] = []
  for (const first of await readdir(layout.contentRoot, { withFileTypes: true })) {
    const above = join(layout.contentRoot, first.name)
    if (!first.isDirectory() || !twoDigits.test(first.name)) {
      if (!first.isDirectory()) strays.push(above)
      continue
    }
    for (const second of await readdir(above, { withFileTypes: true })) {
      const folder = join(above, second.name)
      if (second.isDirectory() && twoDigits.test(second.name)) yield await lookInto(folder, first.name + second.name)
      else if (!second.isDirectory()) strays.push(folder)
    }
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
