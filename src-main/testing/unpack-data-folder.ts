import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { z } from 'zod'

const Packed = z.record(z.string(), z.object({ mode: z.number(), data: z.string() }))

/**
 * Puts a data folder somewhere that an earlier release has left, from `data-folders/<name>.json.gz`:
 *
 *     { "identity/key.pem": { "mode": 384, "data": "<base64>" }, … }
 */
export function unpackDataFolder(name: string, dir: string): void {
  const packed = readFileSync(join(import.meta.dirname, 'data-folders', `${name}.json.gz`))
  for (const [path, { mode, data }] of Object.entries(Packed.parse(JSON.parse(gunzipSync(packed).toString('utf8'))))) {
    const file = join(dir, path)
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    const bytes = Buffer.from(data, 'base64')
    // The folder's own place, where a file names it.
    writeFileSync(
      file,
      path.endsWith('.json')
        ? bytes.toString('utf8').replaceAll('@data-folder@', JSON.stringify(dir).slice(1, -1))
        : bytes
    )
    chmodSync(file, mode)
  }
}
