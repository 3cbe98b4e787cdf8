import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Agent } from '../agent/agent.ts'
import type { AgentEvent } from '../contract/events.ts'
import type { RequestId, Sha256Hex } from '../contract/ids.ts'
import { finalRequestStates, RequestSpec, RequestView, type RequestSpecInput } from '../contract/request.ts'
import { AgentSnapshot } from '../contract/snapshot.ts'
import { untilRequest, untilSnapshot } from './fleet.ts'

/** An agent that has not been started, and an origin it can ask. */
export interface AgentUnderTest {
  readonly agent: Agent
  /** A folder that is neither the agent's nor the cache's. */
  readonly outside: string
  /** A URL that gives these bytes. */
  readonly good: (data: Buffer) => string
  /** A URL that is under way until `finish`. */
  readonly slow: () => { url: string; finish(): void }
  /** A URL that the origin answers with 404. */
  readonly missing: () => string
  clean(): Promise<void>
}

const code = (expected: string) => expect.objectContaining({ code: expected })
const isFinal = ({ state }: RequestView) => finalRequestStates.includes(state)

/** A policy that leaves nothing about rates, cache and integration open. */
const managingPolicy = JSON.stringify({
  by: 'IT service desk',
  locked: ['integration.enabled', 'rates.upload', 'cache.maxBytes', 'cache.dir']
})

/** What every {@link Agent} does, real or from memory. `policy`: text of a machine policy it is under. */
export function describeAgent(name: string, make: (policy?: string) => Promise<AgentUnderTest>): void {
  describe(`the ${name}`, () => {
    let at: AgentUnderTest
    let agent: Agent
    let events: AgentEvent[]
    const open = async (policy?: string) => {
      at = await make(policy)
      agent = at.agent
      events = []
      agent.on('event', (event) => void events.push(event))
    }
    beforeEach(async () => {
      await open()
      await agent.start()
    })
    afterEach(async () => {
      await agent.stop()
      await at.clean()
    })

    const ask = (spec: RequestSpecInput, asker?: 'program' | 'window') => agent.request(RequestSpec.parse(spec), asker)
    const untilEnd = ({ id }: { id: RequestId }) => untilRequest(agent, id, isFinal)
    const toldOf = (id: RequestId) => events.filter(({ requestId }) => requestId === id).map(({ type }) => type)
    const typesSince = (seq: number) => agent.events(seq).map(({ type }) => type)
    const lastSeq = () => agent.events().at(-1)?.seq ?? 0
    const unknown = 'r-00000000' as RequestId

    test('runs from start to stop, and takes nothing before and after', async () => {
      await agent.stop()
      await at.clean()
      await open()
      expect(() => ask({ url: at.good(Buffer.from('x')) })).toThrow(code('SHUTTING_DOWN'))
      await agent.start()
      expect(agent.snapshot().state).toBe('running')
      const slow = at.slow()
      const { id } = ask({ url: slow.url })
      await agent.stop()
      await agent.stop()
      slow.finish()
      expect(agent.snapshot().state).toBe('stopped')
      expect(agent.requestView(id)).toMatchObject({ state: 'failed', error: { code: 'SHUTTING_DOWN' } })
      const [ended] = events.filter(({ type, requestId }) => requestId === id && type !== 'requestAccepted')
      expect(ended).toMatchObject({ type: 'requestInterrupted', url: slow.url })
      expect(ended).not.toHaveProperty('code')
      expect(() => ask({ url: slow.url })).toThrow(code('SHUTTING_DOWN'))
    })

    test('delivers what it is asked for, shows it, and tells of it', async () => {
      const data = Buffer.alloc(3000, 'larder')
      const [url, destination] = [at.good(data), join(at.outside, 'file')]
      const views: RequestView[] = []
      agent.on('request', (view) => void views.push(view))
      const made = ask({ url, destination, priority: 'background', kind: 'script' })
      expect(RequestView.parse(made)).toMatchObject({
        url,
        destination,
        priority: 'background',
        kind: 'script',
        error: null,
        finishedAt: null
      })
      const done = await untilEnd(made)
      expect(done).toMatchObject({
        state: 'done',
        lengthBytes: 3000,
        haveBytes: 3000,
        sha256: expect.any(String),
        finishedAt: expect.any(Number)
      })
      expect((await readFile(destination)).equals(data)).toBe(true)
      expect(agent.requestView(made.id)).toEqual(done)
      expect(agent.requests()).toContainEqual(done)
      expect(agent.snapshot().requests).toContainEqual(done)
      expect(views.at(-1)).toEqual(done)
      expect(toldOf(made.id)).toEqual(['requestAccepted', 'requestDone'])
      expect(agent.cache.find(done.sha256!)?.plan.lengthBytes).toBe(3000)
      expect(agent.content(done.sha256!)).toMatchObject({ sha256: done.sha256, lengthBytes: 3000, servedTo: [] })
      expect(() => agent.content('0'.repeat(64) as Sha256Hex)).toThrow(code('NOT_FOUND'))
    })

    test.each<[string, RequestSpecInput]>([
      ['URL_INVALID', { url: 'http://' }],
      ['URL_SCHEME_UNSUPPORTED', { url: 'gopher://origin.test/a' }],
      ['BACKGROUND_CHANNEL_UNSET', { url: 'packages/a' }],
      ['DIGEST_INVALID', { url: 'http://origin.test/a', integrity: 'md5-x' }],
      ['DESTINATION_INVALID', { url: 'http://origin.test/a', destination: 'relative' }]
    ])('refuses with %s at once', (expected, spec) => {
      expect(() => ask(spec)).toThrow(code(expected))
      expect(agent.requests()).toEqual([])
    })

    test('knows no request it was not asked for', () => {
      for (const act of ['requestView', 'cancel', 'pause', 'resume', 'retry'] as const)
        expect(() => agent[act](unknown), act).toThrow(code('NOT_FOUND'))
      expect(() => agent.pieces(`sha256:${'0'.repeat(64)}` as never)).toThrow(code('NOT_FOUND'))
    })

    test('a failed request says why, and is asked again by the same sort of asker', async () => {
      const url = at.missing()
      const failed = await untilEnd(ask({ url, headers: { Accept: 'x' } }, 'window'))
      expect(failed).toMatchObject({ state: 'failed', error: { code: 'ORIGIN_NOT_FOUND' } })
      expect(events.at(-1)).toMatchObject({ type: 'requestFailed', requestId: failed.id, code: 'ORIGIN_NOT_FOUND' })
      for (const act of ['cancel', 'pause', 'resume'] as const) expect(agent[act](failed.id)).toEqual(failed)
      expect(() => agent.retry(failed.id)).toThrow(code('FORBIDDEN'))
      const again = agent.retry(failed.id, 'window')
      expect(again).toMatchObject({ url })
      expect(again.id).not.toBe(failed.id)
      await untilEnd(again)
    })

    test('what has ended leaves the list when it is cleared, and what runs stays', async () => {
      const ended = await untilEnd(ask({ url: at.good(Buffer.from('x')) }))
      const { url, finish } = at.slow()
      const { id } = ask({ url })
      await untilRequest(agent, id, ({ state }) => state === 'active')
      expect(await agent.clearEnded(() => false)).toBe(0)
      expect(await agent.clearEnded()).toBe(1)
      expect(agent.requests().map((one) => one.id)).toEqual([id])
      expect(agent.snapshot().requests.map((one) => one.id)).toEqual([id])
      // A program may be about to take its content.
      expect(agent.requestView(ended.id)).toEqual(ended)
      expect(agent.cache.detail(ended.sha256!)).toBeDefined()
      finish()
      expect((await untilEnd({ id })).state).toBe('done')
    })

    test('says who asked, of a request that is asked again too', async () => {
      const spec = RequestSpec.parse({ url: at.missing() })
      const askedBy = { by: 'api', program: 'curl', user: null } as const
      const failed = await untilEnd(agent.request(spec, 'program', { askedBy }))
      expect(failed.askedBy).toEqual(askedBy)
      const again = agent.retry(failed.id, 'program', { askedBy: { ...askedBy, program: 'Wget' } })
      expect(again.askedBy).toMatchObject({ program: 'Wget' })
      await untilEnd(again)
      expect((await untilEnd(ask(spec))).askedBy).toBeNull()
    })

    test('a request is paused, goes on, is cancelled, and is not retried before it has failed', async () => {
      const { url, finish } = at.slow()
      const { id } = ask({ url })
      await untilRequest(agent, id, ({ state }) => state === 'active')
      expect(agent.pieces(agent.snapshot().transfers[0]!.key)).toMatch(/^[.fopc]+$/)
      expect(agent.pause(id).state).toBe('paused')
      expect(agent.pause(id).state).toBe('paused')
      expect(agent.requestView(id).reasons.at(-1)?.code).toBe('paused')
      expect(() => agent.retry(id)).toThrow(code('BAD_REQUEST'))
      expect(agent.resume(id).state).not.toBe('paused')
      agent.cancel(id)
      const ended = await untilEnd({ id })
      expect(ended).toMatchObject({ state: 'cancelled', error: { code: 'CANCELLED' }, finishedAt: expect.any(Number) })
      expect(agent.cancel(id)).toEqual(ended)
      await expect.poll(() => toldOf(id)).toEqual(['requestAccepted', 'requestCancelled'])
      expect(agent.retry(id).id).not.toBe(id)
      finish()
    })

    test('a pause of all holds what runs and what is asked for meanwhile', async () => {
      const { url, finish } = at.slow()
      const running = ask({ url })
      await untilRequest(agent, running.id, ({ state }) => state === 'active')
      const seq = lastSeq()
      const until = agent.snapshot().at + 3600_000
      agent.pauseAll(until)
      expect(agent.paused).toBe(true)
      expect(agent.snapshot().paused).toEqual({ until, by: ['person'] })
      expect(agent.requestView(running.id).state).toBe('paused')
      const later = ask({ url: at.good(Buffer.from('later')) })
      await untilRequest(agent, later.id, ({ state }) => state === 'paused')
      agent.resumeAll()
      expect([agent.paused, agent.snapshot().paused]).toEqual([false, null])
      agent.resumeAll()
      expect((await untilEnd(later)).state).toBe('done')
      finish()
      expect((await untilEnd(running)).state).toBe('done')
      expect(typesSince(seq).filter((type) => type.startsWith('transfers'))).toEqual([
        'transfersPaused',
        'transfersResumed'
      ])
    })

    test('serves nobody from stop to resume, and weighs nothing meanwhile', () => {
      const seq = lastSeq()
      const weight = agent.snapshot().weight.value
      agent.stopServing(null)
      expect(agent.snapshot()).toMatchObject({ servingStopped: { until: null }, weight: { value: 0 } })
      agent.resumeServing()
      agent.resumeServing()
      expect(agent.snapshot()).toMatchObject({ servingStopped: null, weight: { value: weight } })
      expect(typesSince(seq)).toEqual(['servingStopped', 'servingResumed'])
    })

    test('with the integration off refuses every way of asking, and says who turned it off', async () => {
      const failed = await untilEnd(ask({ url: at.missing() }))
      const seq = lastSeq()
      expect(await agent.setIntegration(false, { by: 'helpdesk', reason: 'a test' })).toMatchObject({
        enabled: false,
        by: 'helpdesk',
        reason: 'a test'
      })
      await agent.setIntegration(false, { by: 'somebody else' })
      expect(agent.snapshot().integration).toMatchObject({ enabled: false, by: 'helpdesk' })
      const off = expect.objectContaining({ code: 'INTEGRATION_OFF', message: expect.stringContaining('helpdesk') })
      expect(() => ask({ url: at.good(Buffer.from('x')) })).toThrow(off)
      expect(() => agent.retry(failed.id)).toThrow(off)
      await expect(agent.precache.start([])).rejects.toEqual(off)
      expect((await agent.setIntegration(true, { by: 'helpdesk' })).enabled).toBe(true)
      expect((await untilEnd(ask({ url: at.good(Buffer.from('x')) }))).state).toBe('done')
      expect(typesSince(seq).filter((type) => type === 'integrationChanged')).toHaveLength(2)
    })

    test('changes rates and limits of the cache for this run; what is not named stays', async () => {
      const { lanForeground } = agent.rates().caps
      agent.setRates({ upload: 2 ** 20 })
      agent.setRates({ wanBackground: 2 ** 21 })
      expect(agent.rates().caps).toMatchObject({ upload: 2 ** 20, wanBackground: 2 ** 21, lanForeground })
      expect(agent.snapshot().rates.caps).toMatchObject({ upload: 2 ** 20 })
      await agent.setCacheLimits({ maxBytes: 2 ** 30 })
      await agent.setCacheLimits({ maxAgeDays: 5 })
      expect(agent.cache.stats()).toMatchObject({ maxBytes: 2 ** 30, maxAgeMs: 5 * 24 * 3600_000 })
      expect(agent.snapshot().cache.maxBytes).toBe(2 ** 30)
    })

    test('moves the cache at the next start, to absolute paths only, and not when it is there already', async () => {
      await expect(agent.relocateCache('relative')).rejects.toEqual(code('BAD_REQUEST'))
      expect(agent.snapshot().cacheNext).toBeNull()
      await agent.relocateCache(join(at.outside, 'next'))
      expect(agent.snapshot().cacheNext).toBe(join(at.outside, 'next'))
      await agent.relocateCache(agent.cache.dir)
      expect(agent.snapshot().cacheNext).toBeNull()
    })

    test('changes nothing that a policy decides, whoever asks', async () => {
      await agent.stop()
      await at.clean()
      await open(managingPolicy)
      await agent.start()
      const before = [agent.rates().caps, agent.cache.stats().maxBytes, agent.settings.integration.enabled]
      expect(() => agent.setRates({ upload: 1, wanForeground: 1 })).toThrow(code('SETTING_MANAGED'))
      await expect(agent.setCacheLimits({ maxBytes: 2 ** 25, maxAgeDays: 1 })).rejects.toEqual(code('SETTING_MANAGED'))
      await expect(agent.relocateCache(join(at.outside, 'next'))).rejects.toEqual(code('SETTING_MANAGED'))
      await expect(agent.setIntegration(false, { by: 'helpdesk' })).rejects.toEqual(code('SETTING_MANAGED'))
      expect([agent.rates().caps, agent.cache.stats().maxBytes, agent.settings.integration.enabled]).toEqual(before)
      expect(agent.snapshot().cacheNext).toBeNull()
      agent.setRates({ wanForeground: 2 ** 20 })
      expect(agent.rates().caps.wanForeground).toBe(2 ** 20)
    })

    test('pre-caches what is given, and says that no list is set', async () => {
      expect(agent.precache.view()).toMatchObject({ state: 'off', list: null, last: null })
      expect(agent.precache.stop()).toBe(false)
      await expect(agent.precache.items()).rejects.toEqual(code('BAD_REQUEST'))
      await expect(agent.precache.start()).rejects.toEqual(code('BAD_REQUEST'))
      const seq = lastSeq()
      await agent.precache.start([])
      await expect.poll(() => agent.precache.view().last).toMatchObject({ end: 'complete', total: 0 })
      await expect.poll(() => typesSince(seq)).toEqual(['precacheDone'])
      expect(agent.snapshot().precache).toEqual(agent.precache.view())
    })

    test('tells changes of its state, and numbers snapshots and events', async () => {
      const before = AgentSnapshot.parse(agent.snapshot())
      const told = new Promise<AgentSnapshot>((resolve) => agent.once('snapshot', resolve))
      agent.setApiPort(1234)
      expect((await told).seq).toBeGreaterThan(before.seq)
      agent.setGatewayPort(4321)
      await untilSnapshot(agent, ({ ports }) => ports.api === 1234 && ports.gateway === 4321)
      const seq = lastSeq()
      agent.warn('something does not work')
      agent.warn('nor does this', { code: 'PORT_TAKEN' })
      expect(agent.events(seq)).toMatchObject([
        { seq: seq + 1, type: 'warning', text: 'something does not work' },
        { seq: seq + 2, type: 'warning', code: 'PORT_TAKEN' }
      ])
      expect(agent.events(seq + 1)).toHaveLength(1)
      expect(agent.snapshot().events.at(-1)?.seq).toBe(seq + 2)
      await agent.settings.set('election.weight', 7, { by: 'helpdesk' })
      expect(events.filter(({ type }) => type === 'settingsChanged')).toMatchObject([
        { text: expect.stringContaining('helpdesk') }
      ])
      expect(Array.isArray(agent.clockSkews())).toBe(true)
      expect(() => agent.refresh()).not.toThrow()
    })
  })
}
