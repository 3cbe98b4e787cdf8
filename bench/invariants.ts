import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { open, readFile, readdir } from 'node:fs/promises'
import path from 'node:path'
import { layoutOf } from '../src-main/cache/layout.ts'
import { readDescription, readSlots } from '../src-main/cache/partial-files.ts'
import type { RequestView } from '../src-main/contract/request.ts'
import { pieceLength, pieceStart, planPieces } from '../src-main/pieces/plan.ts'
import type { AgentProcess } from './agent-process.ts'

/** What was asked of one agent and what came of it; null when the agent does not know. */
export interface Outcome {
  readonly agent: string
  readonly destination: string
  readonly view: RequestView | null
}

export interface OriginBounds {
  readonly contentBytes: number
  readonly maxContentBytes: number
  readonly requests: number
  readonly maxRequests: number
}

/**
 * Whatever happened, this holds: each request ended with the right bytes or a code; a destination holds the right file or
 * none; the origin was asked within bounds.
 * @returns what does not hold, in words
 */
export async function brokenPromises(
  outcomes: readonly Outcome[],
  sha256: string,
  origin: OriginBounds
): Promise<string[]> {
  const broken: string[] = []
  for (const { agent, destination, view } of outcomes) {
    const there = existsSync(destination)
    if (there && (await sha256Of(destination)) !== sha256)
      broken.push(`${agent}: the file at its destination is not the original`)
    if (view === null) {
      broken.push(`${agent}: knows nothing of its request`)
      continue
    }
    if (view.state === 'done' && !there) broken.push(`${agent}: done without a file`)
    if (view.state === 'failed' && (view.error === null || view.error.code === 'INTERNAL'))
      broken.push(`${agent}: failed without a code (${view.error?.message ?? 'nothing said'})`)
    if (!['done', 'failed', 'cancelled'].includes(view.state)) broken.push(`${agent}: did not end (${view.state})`)
  }
  if (origin.contentBytes > origin.maxContentBytes)
    broken.push(`the origin sent ${origin.contentBytes} bytes, at most ${origin.maxContentBytes} were expected`)
  if (origin.requests > origin.maxRequests)
    broken.push(`the origin was asked ${origin.requests} times, at most ${origin.maxRequests} were expected`)
  return broken
}

/** The cache of a running agent holds what it says. @returns what does not hold */
export async function brokenCache(agent: AgentProcess): Promise<string[]> {
  const { damaged, missing } = await agent.verify()
  return [
    ...damaged.map((sha256) => `${agent.name}: ${sha256} is damaged in its cache`),
    ...missing.map((sha256) => `${agent.name}: ${sha256} is missing from its cache`)
  ]
}

/**
 * The partials of an agent that is not running: every piece their map names is there, byte for byte.
 * @returns what does not hold, and how many pieces were compared
 */
export async function brokenPartials(name: string, dataDir: string): Promise<{ broken: string[]; pieces: number }> {
  const layout = layoutOf(path.join(dataDir, 'cache'))
  const broken: string[] = []
  let pieces = 0
  for (const file of await readdir(layout.partialRoot).catch(() => [])) {
    if (!file.endsWith('.json')) continue
    const paths = layout.partial(path.basename(file, '.json'))
    const description = await readDescription(paths.json)
    if (!description || !existsSync(paths.rec) || !existsSync(paths.part)) continue
    const plan = planPieces(description.lengthBytes)
    const slots = await readSlots(paths.rec, plan)
    const part = await open(paths.part, 'r')
    try {
      for (const index of slots.have) {
        const bytes = Buffer.alloc(pieceLength(plan, index))
        const { bytesRead } = await part.read(bytes, 0, bytes.length, pieceStart(plan, index))
        pieces++
        const right =
          bytesRead === bytes.length && createHash('sha256').update(bytes).digest().equals(slots.digest(index))
        if (!right) broken.push(`${name}: its partial claims piece ${index} and does not have it`)
      }
    } finally {
      await part.close()
    }
  }
  return { broken, pieces }
}

async function sha256Of(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex')
}
