// node bench/hour-load.ts MBIT: two agents on loopback, the first of which downloads without a pause from an origin of MBIT, evicts and serves. Prints one
// line of JSON when they run, and goes on until it is ended; a download that fails ends it. Before the downloads it fills their lists of finished requests.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startOriginServer } from '../src-main/testing/origin-server.ts'
import type { AgentProcess } from './agent-process.ts'
import { startFleet } from './fleet.ts'
import { RunScope } from './run-scope.ts'

const MIB = 1024 ** 2
const FILE_BYTES = 2 * MIB
/** Downloads under way at any time. */
const AT_ONCE = 8
const LOOK_EVERY_MS = 200
/** An agent keeps this many finished requests, as many finished transfers, and twice as many events; a list that still fills looks like a leak. */
const KEPT_REQUESTS = 500

// So that its garbage can be collected before its memory is read: what has merely not been collected yet is no growth.
process.env['BENCH_NODE_ARGS'] = '--inspect=127.0.0.1:0'
const scope = new RunScope()
const origin = await startOriginServer({ rateBytesPerSecond: (Number(process.argv[2]) * 1_000_000) / 8 })
try {
  const [watched, other] = (await startFleet(scope, {
    agents: 2,
    settings: ['ui.browser=true', `cache.maxBytes=${256 * MIB}`, 'cache.minFreeBytes=0']
  })) as [AgentProcess, AgentProcess]
  process.stdout.write(
    `${JSON.stringify({ pid: watched.pid, dataDir: watched.dataDir, inspector: inspectorOf(watched) })}\n`
  )
  await Promise.all([watched, other].map(fillLists))
  let asked = 0
  /** Every second file is asked for by the other one as well, so that there are elections, and pieces go both ways. */
  const askForOne = async (): Promise<void> => {
    const n = asked++
    const url = origin.put(`/file-${n}.bin`, { generate: { bytes: FILE_BYTES, seed: `hour-${n}` } })
    if (n % 2 === 0) await other.ask({ url })
    await watched.ask({ url })
  }
  for (;;) {
    const requests = await watched.requests()
    const failed = requests.find(({ state }) => state === 'failed')
    if (failed) throw new Error(`${failed.url} failed: ${failed.error?.message}`)
    const running = requests.filter(({ finishedAt }) => finishedAt === null).length
    await Promise.all(Array.from({ length: Math.max(0, AT_ONCE - running) }, askForOne))
    await sleep(LOOK_EVERY_MS)
  }
} finally {
  await origin.close()
  await scope.close()
}

/** Small downloads, until the agent has as much to tell as it ever will. */
async function fillLists(agent: AgentProcess): Promise<void> {
  for (let n = 0; n < KEPT_REQUESTS; n += AT_ONCE) {
    await Promise.all(
      Array.from({ length: AT_ONCE }, (_, i) =>
        agent.ask({
          url: origin.put(`/small-${agent.name}-${n + i}.bin`, {
            generate: { bytes: 1024, seed: `${agent.name}-${n + i}` }
          })
        })
      )
    )
    while ((await agent.requestsRunning()) > 0) await sleep(20)
  }
}

/** Where Node said that the agent's inspector listens. */
function inspectorOf({ dataDir }: AgentProcess): string {
  const url = /ws:\/\/127\.0\.0\.1:\S+/.exec(readFileSync(path.join(dataDir, 'bench-stderr.log'), 'utf8'))?.[0]
  if (url === undefined) throw new Error('the agent has no inspector')
  return url
}
