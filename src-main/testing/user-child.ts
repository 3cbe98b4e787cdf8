import { createInterface } from 'node:readline'
import type { CallInput } from '../client/agent-http.ts'
import { connect, type AgentConnection } from '../client/connection.ts'
import { download } from '../client/download.ts'
import type { DownloadSpec } from '../client/download-types.ts'
import type { ApiOperationName } from '../contract/operations/operations.ts'
import { LarderError } from '../lib/errors.ts'

/**
 * A program of one user of the PC: takes one order a line from stdin and answers it with one line. Never shipped.
 *
 *     user-child.ts <place of the machine agent> <data folder of the user>
 */
export type Order =
  | { readonly do: 'call'; readonly name: ApiOperationName; readonly input?: object }
  | { readonly do: 'download'; readonly spec: DownloadSpec }
  | { readonly do: 'content'; readonly id: string }
  /** What an open stream of the agent brings within the time. */
  | { readonly do: 'listen'; readonly ms: number }

const [machinePlace, dataDir] = process.argv.slice(2)
const options = { machinePlace: machinePlace!, dataDir: dataDir! }
let agent: AgentConnection | undefined

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await carryOut(JSON.parse(line) as Order).then(
    (value) => ({ value: value ?? null }),
    (thrown: unknown) => ({ code: LarderError.from(thrown).code, message: String(thrown) })
  )
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}

async function carryOut(order: Order): Promise<unknown> {
  if (order.do === 'download') {
    const { data: _, ...result } = await download(order.spec, { ...options, stagger: false })
    return result
  }
  agent ??= await connect(options)
  if (order.do === 'call') return agent.call(order.name, ...([order.input ?? {}] as [CallInput<'agent.status'>]))
  if (order.do === 'content') {
    const chunks: Uint8Array[] = []
    for await (const chunk of await agent.content(order.id as never)) chunks.push(chunk)
    return Buffer.concat(chunks).toString('base64')
  }
  const seen: unknown[] = []
  try {
    for await (const change of agent.stream({ signal: AbortSignal.timeout(order.ms) })) seen.push(change)
  } catch {
    // The time is over.
  }
  return seen
}
