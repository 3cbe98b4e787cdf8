import { afterEach, beforeEach, expect, test } from 'vitest'
import type { RequestId, Sha256Hex } from '../contract/ids.ts'
import { startAgentRig, type AgentRig } from '../testing/agent-rig.ts'
import { connect, type AgentChange, type AgentConnection } from './connection.ts'

let rig: AgentRig
let agent: AgentConnection
beforeEach(async () => {
  rig = await startAgentRig({ name: 'pc-1' })
  agent = await connect({ dataDir: rig.dataDir })
})
afterEach(() => rig.close())

test('a request is made, watched to its end, and its bytes are read', async () => {
  const made = await agent.request({ url: 'http://origin.test/a' })
  const states: string[] = []
  for await (const view of agent.watch(made.id)) {
    states.push(view.state)
    if (view.state === 'checking') rig.double.update(made.id, { state: 'active' })
    if (view.state === 'active') rig.double.finish(made.id, Buffer.from('hello'))
  }
  expect(states).toEqual(['checking', 'active', 'done'])
  expect(await new Response(await agent.content(made.id)).text()).toBe('hello')
  expect((await agent.requests()).map(({ id }) => id)).toEqual([made.id])
  expect((await agent.requestView(made.id)).state).toBe('done')
})

test('a program says what it is called, whatever characters it uses', async () => {
  const askedBy = async (program?: string) => {
    const named = await connect({ dataDir: rig.dataDir, ...(program !== undefined && { program }) })
    return (await named.request({ url: 'http://origin.test/a' })).askedBy
  }
  expect(await askedBy('inventory/2.1')).toEqual({ by: 'api', program: 'inventory', user: null })
  expect(await askedBy('My Tool é\r\nX-Evil: 1')).toEqual({ by: 'api', program: 'My-Tool-X-Evil-1', user: null })
  expect(await askedBy()).toEqual({ by: 'api', program: 'larder-client', user: null })
})

test('a request is paused, resumed and cancelled', async () => {
  const { id } = await agent.request({ url: 'http://origin.test/a' })
  expect((await agent.pause(id)).state).toBe('paused')
  expect((await agent.resume(id)).state).toBe('waiting')
  expect((await agent.cancel(id)).state).toBe('cancelled')
})

test('the agent’s errors arrive with their code and details', async () => {
  await expect(agent.requestView('r-00000000' as RequestId)).rejects.toMatchObject({
    name: 'LarderError',
    code: 'NOT_FOUND',
    details: { id: 'r-00000000' }
  })
  await expect(agent.request({ url: 'gopher://x' })).rejects.toMatchObject({ code: 'URL_SCHEME_UNSUPPORTED' })
  await expect(agent.requestView('../status' as RequestId)).rejects.toMatchObject({ code: 'BAD_REQUEST' })
})

test('everything about the agent can be read', async () => {
  rig.double.happen('warning', 'one')
  expect(await agent.status()).toMatchObject({ name: 'pc-1', ports: { api: rig.port } })
  expect(await agent.snapshot()).toEqual(rig.double.snapshot())
  expect([await agent.peers(), await agent.masters()]).toEqual([[], []])
  expect((await agent.events(0)).map(({ text }) => text)).toEqual(['one'])
})

test('events are followed until the caller has enough', async () => {
  rig.double.happen('warning', 'one')
  const texts: string[] = []
  for await (const { text } of agent.followEvents({ since: 0 })) {
    texts.push(text)
    if (text === 'one') rig.double.happen('warning', 'two')
    else break
  }
  expect(texts).toEqual(['one', 'two'])
  await expect.poll(() => rig.double.listenerCount('event')).toBe(0)
})

test('the stream gives snapshots and events, and ends by the signal', async () => {
  const enough = new AbortController()
  const changes: AgentChange[] = []
  const reading = (async () => {
    for await (const change of agent.stream({ signal: enough.signal })) {
      changes.push(change)
      if (changes.length === 1) rig.double.happen('warning', 'now')
      if (changes.length === 2) enough.abort(new Error('enough'))
    }
  })()
  await expect(reading).rejects.toThrow('enough')
  expect(changes.map(({ type }) => type)).toEqual(['snapshot', 'event'])
})

test('the cache is listed, pinned, verified with progress, emptied and cleared', async () => {
  const sha256 = rig.double.cacheDouble.keep(Buffer.from('a'))
  rig.double.cacheDouble.keep(Buffer.from('bc'))
  expect((await agent.cache({ limit: 1 })).entries).toHaveLength(1)
  await agent.pin(sha256)
  expect((await agent.cache()).stats.pinned).toBe(1)
  const steps: number[][] = []
  expect(await agent.verifyCache({ onProgress: (done, total) => steps.push([done, total]) })).toMatchObject({
    checked: 2
  })
  expect(steps.at(-1)).toEqual([2, 2])
  expect(await agent.clearCache({ dryRun: true })).toMatchObject({ removed: 1, kept: 1, dryRun: true })
  expect(await agent.removeContent(sha256)).toBe(1)
  await expect(agent.removeContent(sha256)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(agent.pin('0'.repeat(64) as Sha256Hex)).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('an error while the cache is verified arrives as one', async () => {
  rig.double.cacheDouble.keep(Buffer.from('a'))
  rig.double.cacheDouble.onVerify = async () => {
    throw new TypeError('inside')
  }
  await expect(agent.verifyCache()).rejects.toMatchObject({ code: 'INTERNAL' })
})

test('everything is paused and resumed', async () => {
  expect((await agent.pauseAll({ forMs: null })).paused).toEqual({ until: null, by: ['person'] })
  expect((await agent.resumeAll()).paused).toBeNull()
})

test('an agent that has gone is not running', async () => {
  const watching = agent.followEvents()
  const first = watching.next()
  await expect.poll(() => rig.double.listenerCount('event')).toBe(1)
  await rig.running.stop()
  await first.catch((error: unknown) => expect(error).toMatchObject({ code: 'AGENT_NOT_RUNNING' }))
  await expect(agent.status()).rejects.toMatchObject({ code: 'AGENT_NOT_RUNNING' })
})
