import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SettingsInput } from '../contract/settings.ts'
import { ask, startFleet, type Fleet } from '../testing/fleet.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'
import type { Agent } from './agent.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let origin: OriginServer
let fleet: Fleet | undefined
beforeEach(async () => {
  origin = await startOriginServer()
})
afterEach(async () => {
  await fleet?.stop()
  fleet = undefined
  await origin.close()
})

async function agents(count: number, settings: SettingsInput = {}): Promise<Agent[]> {
  fleet = await startFleet(count, settings)
  return fleet.agents.map(({ agent }) => agent)
}

const gets = (path: string) => origin.requests(path).filter(({ method }) => method === 'GET').length

/** Goes through a list and waits for the report. */
async function precached(agent: Agent, list: string) {
  await agent.precache.start(undefined, list)
  while (agent.precache.view().state === 'running') await once(agent, 'snapshot')
  return agent.precache.view().last!
}

describe('a list of what to pre-cache', () => {
  it('comes straight from its origin, whoever in the fleet has it', async () => {
    const [one, two] = await agents(2)
    origin.put('/wanted.bin', Buffer.alloc(1000, 1))
    const list = origin.put('/list.txt', Buffer.from('wanted.bin\n'))
    await ask(one!, { url: list })
    expect(gets('/list.txt')).toBe(1)
    expect(await precached(two!, list)).toMatchObject({ done: 1, failed: [] })
    expect(gets('/list.txt')).toBe(2)
  })

  it('may come from peers when its URL carries its digest', async () => {
    const [one, two] = await agents(2)
    origin.put('/wanted.bin', Buffer.alloc(1000, 1))
    const text = Buffer.from('wanted.bin\n')
    const list = origin.put('/list.txt', text)
    const sha256 = createHash('sha256').update(text).digest('hex')
    await ask(one!, { url: list, integrity: sha256 })
    expect(await precached(two!, `${list}#sha256=${sha256}`)).toMatchObject({ done: 1, failed: [] })
    expect(gets('/list.txt')).toBe(1)
    const wrong = `${list}#sha256=${'0'.repeat(64)}`
    await expect(two!.precache.start(undefined, wrong)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' })
  })

  it('cannot make this PC ask itself or a metadata service', async () => {
    const [agent] = await agents(1, { origin: { trustLoopback: false } })
    const loot = origin.put('/loot', Buffer.from('loot'))
    const list = origin.put('/list.txt', Buffer.from(`${loot}\nhttp://169.254.169.254/latest/\nhttp://localhost:1/x\n`))
    const { done, failed } = await precached(agent!, list)
    expect([done, failed.map(({ code }) => code)]).toEqual([0, Array(3).fill('ADDRESS_REFUSED')])
    expect(origin.requests('/loot')).toEqual([])
    expect(agent!.cache.stats().entries).toBe(0)
  })
})
