import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startFleet } from '../testing/fleet.ts'
import { freePorts } from '../testing/free-ports.ts'
import { startOriginServer } from '../testing/origin-server.ts'
import { cases } from '../testing/tools/cases.ts'
import { playTool, versionOf, type Stage } from '../testing/tools/play.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

let stage: Stage
beforeAll(async () => {
  const [gatewayPort] = await freePorts(1)
  stage = {
    fleet: await startFleet(2),
    origin: await startOriginServer(),
    dir: await mkdtemp(join(tmpdir(), 'larder-real-tools-')),
    gatewayPort: gatewayPort!
  }
})
afterAll(async () => {
  await stage.fleet.stop()
  await stage.origin.close()
  await rm(stage.dir, { recursive: true, force: true })
})

// The others take longer, or are seldom installed: `npm run bench:tools` plays them all.
test.for(cases.filter(({ name }) => ['apt', 'pip', 'npm'].includes(name)))(
  '$name downloads on the second PC without a body byte of its server, and has its configuration back to the byte',
  async (one, { skip }) => {
    skip((await versionOf(one)) === null, `${one.name} is not installed`)
    const { first, secondBytes, undone } = await playTool(one, stage)
    expect(first).toBeGreaterThanOrEqual(1)
    expect(secondBytes).toBe(0)
    expect(undone).toBe(true)
  }
)
