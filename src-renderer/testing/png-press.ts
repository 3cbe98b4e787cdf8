import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import init, { optimise } from '@jsquash/oxipng/codec/pkg/squoosh_oxipng.js'

/** Higher takes far longer and saves hardly more. */
const LEVEL = 2

/** Makes PNG files smaller without losing anything. */
export async function createPngPress(): Promise<(png: Uint8Array) => Uint8Array> {
  await init(await readFile(createRequire(import.meta.url).resolve('@jsquash/oxipng/codec/pkg/squoosh_oxipng_bg.wasm')))
  return (png) => optimise(png, LEVEL, false, true)
}
