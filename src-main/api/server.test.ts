import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { proofMessage } from '../contract/api.ts'
import { reportOf } from '../contract/doctor.ts'
import { errorTable } from '../contract/errors.ts'
import { filledPath, httpForm } from '../contract/operations/http-form.ts'
import { apiOperationNames, operationOf } from '../contract/operations/operations.ts'
import { LarderError } from '../lib/errors.ts'
import { systemClock } from '../lib/clock.ts'
import { startAgentRig, type AgentRig } from '../testing/agent-rig.ts'
import { createHmac } from 'node:crypto'
import { startApi } from './server.ts'

let rig: AgentRig
beforeAll(async () => {
  rig = await startAgentRig()
})
afterAll(() => rig.close())

const routes = apiOperationNames.map((name) => ({ who: operationOf(name).who, ...httpForm(operationOf(name)) }))
const sampleFields = {
  id: 'r-00000000',
  sha256: '0'.repeat(64),
  key: `sha256:${'0'.repeat(64)}`,
  name: 'election.weight'
}
const post = (path: string, body: unknown, headers = {}) =>
  rig.call('POST', path, { body: JSON.stringify(body), headers })

describe('who may call', () => {
  test.each(routes.filter(({ who }) => who !== 'anyone').map((route) => [route.method, route.path]))(
    '%s %s needs the token',
    async (method, path) => {
      const target = filledPath(path, sampleFields)
      for (const authorization of [
        null,
        '',
        'Bearer',
        'Bearer x',
        `Bearer ${'0'.repeat(64)}`,
        `Basic ${rig.token}`,
        rig.token
      ]) {
        const answer = await rig.call(method, target, { headers: { authorization } })
        expect([answer.status, answer.json?.code], String(authorization)).toEqual([401, 'TOKEN_INVALID'])
      }
    }
  )

  test('the version is told without token, and names no agent', async () => {
    const answer = await rig.call('GET', '/v1/version', { headers: { authorization: null } })
    expect(answer.status).toBe(200)
    expect(answer.json).toEqual({
      name: 'larder',
      version: '0.1.0',
      apiVersion: 1,
      integration: { enabled: true, defaultStaggerRangeSeconds: 300 },
      proof: null
    })
    expect(answer.text).not.toContain(rig.double.snapshot().agentId)
  })

  test('the listener proves that it knows the token, for this port only', async () => {
    const challenge = 'ab'.repeat(32)
    const { json } = await rig.call('GET', `/v1/version?challenge=${challenge}`, { headers: { authorization: null } })
    expect(json.proof).toBe(createHmac('sha256', rig.token).update(proofMessage(challenge, rig.port)).digest('hex'))
    expect(proofMessage(challenge, 1)).not.toBe(proofMessage(challenge, 2))
  })

  test.each(['127.0.0.1', 'localhost', '[::1]', 'LOCALHOST'])('the host %s is this agent', async (host) => {
    expect((await rig.call('GET', '/v1/status', { headers: { host: `${host}:${rig.port}` } })).status).toBe(200)
  })

  test.each([
    'evil.test',
    '127.0.0.1',
    '127.0.0.1:1',
    'localhost.evil.test:PORT',
    '127.0.0.1.nip.io:PORT',
    '0.0.0.0:PORT',
    'localhost:PORT@evil.test'
  ])('the host %s is refused, also without token', async (host) => {
    for (const path of ['/v1/version', '/v1/status', '/v1/nothing']) {
      const answer = await rig.call('GET', path, { headers: { host: host.replace('PORT', String(rig.port)) } })
      expect([answer.status, answer.json?.code], path).toEqual([403, 'FORBIDDEN'])
    }
  })

  test.each<Record<string, string>>([
    { origin: 'https://evil.test' },
    { origin: 'null' },
    { origin: 'http://localhost:1' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' }
  ])('a call from a web page is refused: %j', async (headers) => {
    for (const [method, path] of [
      ['GET', '/v1/version'],
      ['OPTIONS', '/v1/requests'],
      ['POST', '/v1/requests']
    ] as const) {
      const answer = await rig.call(method, path, { headers })
      expect([answer.status, answer.json?.code]).toEqual([403, 'FORBIDDEN'])
    }
  })

  test.each(routes.map((route) => [route.method, route.path]))(
    '%s %s is closed to pages, with and without the token',
    async (method, path) => {
      const target = filledPath(path, sampleFields)
      const fromPages: Record<string, string>[] = [
        { host: `evil.test:${rig.port}` },
        { origin: 'https://evil.test' },
        { origin: 'null' },
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' }
      ]
      for (const headers of fromPages) {
        for (const authorization of [null, `Bearer ${rig.token}`]) {
          const answer = await rig.call(method, target, { headers: { ...headers, authorization } })
          expect([answer.status, answer.json?.code], JSON.stringify(headers)).toEqual([403, 'FORBIDDEN'])
          expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
        }
      }
    }
  )

  test('a page served by the agent itself may call, and no page gets CORS headers', async () => {
    const answer = await rig.call('GET', '/v1/status', {
      headers: { origin: `http://127.0.0.1:${rig.port}`, 'sec-fetch-site': 'same-origin' }
    })
    expect(answer.status).toBe(200)
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
  })
})

describe('what does not fit is refused with a code', () => {
  test.each([
    ['GET', '/', 404, 'NOT_FOUND'],
    ['GET', '/v1/requests/r-00000000', 404, 'NOT_FOUND'],
    ['GET', '/v1/requests/..%2f..%2fetc', 400, 'BAD_REQUEST'],
    ['GET', `/v1/requests/${'r'.repeat(500)}`, 400, 'BAD_REQUEST'],
    ['GET', '/v1/requests/r-0000%ff', 400, 'BAD_REQUEST'],
    ['DELETE', '/v1/cache/0000', 400, 'BAD_REQUEST'],
    ['DELETE', `/v1/cache/${'0'.repeat(64)}`, 404, 'NOT_FOUND'],
    ['POST', `/v1/cache/${'0'.repeat(64)}/pin`, 404, 'NOT_FOUND'],
    ['GET', '/v1/events?since=-1', 400, 'BAD_REQUEST'],
    ['GET', '/v1/cache?limit=1001', 400, 'BAD_REQUEST'],
    ['PUT', '/v1/requests', 404, 'NOT_FOUND'],
    ['HEAD', '/v1/requests', 404, undefined]
  ])('%s %s → %i %s', async (method, path, status, code) => {
    const answer = await rig.call(method, path)
    expect([answer.status, answer.json?.code]).toEqual([status, code])
  })

  test.each([
    ['{', 'BAD_REQUEST'],
    ['[]', 'BAD_REQUEST'],
    ['{"url": 5}', 'BAD_REQUEST'],
    ['{"url": "http://x/", "kind": "other"}', 'BAD_REQUEST'],
    ['{"url": "http://x/", "headers": {"Bad Name": "x"}}', 'BAD_REQUEST'],
    ['{"url": "http://x/", "headers": {"a": "x\\r\\nb: y"}}', 'BAD_REQUEST'],
    ['{"url": "ftp://x/"}', 'URL_SCHEME_UNSUPPORTED'],
    ['{"__proto__": {"url": "http://x/"}}', 'BAD_REQUEST']
  ])('the request %s → %s', async (body, code) => {
    const answer = await rig.call('POST', '/v1/requests', { body })
    expect(answer.json).toMatchObject({ code, next: errorTable[code as 'BAD_REQUEST'].next })
    expect(answer.status).toBe(errorTable[code as 'BAD_REQUEST'].http)
  })

  test('the error names the field', async () => {
    expect((await post('/v1/requests', { url: 'http://x/', timeoutMs: 1 })).json.details).toEqual({
      field: 'body.timeoutMs'
    })
  })

  test('a body of another type is refused', async () => {
    expect(
      (await rig.call('POST', '/v1/requests', { body: 'url=x', headers: { 'content-type': 'text/plain' } })).json.code
    ).toBe('BAD_REQUEST')
  })

  test('a body above 64 KiB is refused', async () => {
    const answer = await post('/v1/requests', { url: `http://x/${'a'.repeat(65 * 1024)}` })
    expect([answer.status, answer.json.code, answer.json.message]).toEqual([
      400,
      'BAD_REQUEST',
      'The body of the call is too long'
    ])
  })

  test('a header above 16 KiB is refused', async () => {
    const answer = await rig.call('GET', '/v1/status', { headers: { 'x-long': 'a'.repeat(17 * 1024) } })
    expect([answer.status, answer.json.code]).toEqual([431, 'BAD_REQUEST'])
  })

  test('what is not HTTP is answered and hung up on', async () => {
    const socket = connect(rig.port, '127.0.0.1')
    socket.write('SSH-2.0-x\r\n\r\n')
    let text = ''
    for await (const chunk of socket) text += chunk
    expect(text).toMatch(/^HTTP\/1\.1 400 [^]*"code":"BAD_REQUEST"/)
  })

  test('an unexpected failure tells nothing of its inside and is logged', async () => {
    const broken = rig.double.requests
    rig.double.requests = () => {
      throw new TypeError('secret /path')
    }
    const answer = await rig.call('GET', '/v1/requests')
    rig.double.requests = broken
    expect([answer.status, answer.json.code]).toEqual([500, 'INTERNAL'])
    expect(answer.text).not.toContain('secret')
    expect(rig.log.lines.at(-1)).toMatchObject({ level: 'error', facts: { path: '/v1/requests' } })
  })
})

describe('what the routes do', () => {
  test('a request is taken, shown, paused, resumed, cancelled', async () => {
    const made = await post('/v1/requests', { url: 'http://origin.test/a', headers: { Accept: 'x' } })
    expect(made.status).toBe(201)
    expect(made.headers.location).toBe(`/v1/requests/${made.json.id}`)
    expect(rig.double.specs.at(-1)).toEqual({
      url: 'http://origin.test/a',
      overwrite: true,
      kind: 'resource',
      priority: 'foreground',
      allowStale: false,
      headers: { Accept: 'x' }
    })
    expect((await rig.call('GET', made.headers.location!)).json).toEqual(made.json)
    expect((await rig.call('GET', '/v1/requests')).json.requests).toContainEqual(made.json)
    expect((await rig.call('POST', `/v1/requests/${made.json.id}/pause`)).json.state).toBe('paused')
    expect((await rig.call('POST', `/v1/requests/${made.json.id}/resume`)).json.state).toBe('waiting')
    expect((await rig.call('POST', `/v1/requests/${made.json.id}/cancel`)).json.state).toBe('cancelled')
  })

  test('a program is refused while the integration is off, and the version says so', async () => {
    expect((await post('/v1/integration', { enabled: false, by: 'helpdesk' })).json.integration).toMatchObject({
      enabled: false,
      by: 'helpdesk'
    })
    const answer = await post('/v1/requests', { url: 'http://origin.test/a' })
    expect([answer.status, answer.json.code, answer.json.message]).toEqual([
      409,
      'INTEGRATION_OFF',
      expect.stringContaining('helpdesk')
    ])
    expect((await rig.call('GET', '/v1/version')).json.integration.enabled).toBe(false)
    await post('/v1/integration', { enabled: true })
    expect((await rig.call('GET', '/v1/version')).json.integration.enabled).toBe(true)
  })

  test('the cache is listed, pinned, verified, cleared and emptied by digest', async () => {
    const kept = rig.double.cacheDouble.keep(Buffer.from('kept'), 'http://origin.test/kept')
    const other = rig.double.cacheDouble.keep(Buffer.from('other'))
    expect((await rig.call('GET', '/v1/cache?limit=1')).json).toMatchObject({ total: 2, entries: [{}] })
    expect((await rig.call('GET', '/v1/cache?search=kept')).json).toMatchObject({ total: 1 })
    expect((await rig.call('POST', `/v1/cache/${kept}/pin`)).json).toEqual({ sha256: kept, pinned: true, until: null })
    expect((await post('/v1/cache/clear', { dryRun: true })).json).toEqual({
      removed: 1,
      unfinished: 0,
      unfinishedBytes: 0,
      bytes: 5,
      kept: 1,
      dryRun: true
    })
    expect((await rig.call('POST', '/v1/cache/verify')).json).toMatchObject({ checked: 2, ok: 2 })
    expect((await rig.call('DELETE', `/v1/cache/${other}`)).json).toEqual({ sha256: other, bytes: 5 })
    expect((await post(`/v1/cache/${kept}/pin`, { pinned: false })).json.pinned).toBe(false)
    expect((await rig.call('POST', '/v1/cache/clear')).json).toMatchObject({
      removed: 1,
      bytes: 4,
      kept: 0,
      dryRun: false
    })
  })

  test('everything is paused for a day unless told otherwise', async () => {
    const before = Date.now()
    const { until } = (await rig.call('POST', '/v1/pause')).json.paused
    expect(until - before).toBeGreaterThanOrEqual(24 * 3600_000)
    expect(until - before).toBeLessThan(24 * 3600_000 + 60_000)
    expect((await post('/v1/pause', { forMs: null })).json.paused).toEqual({ until: null, by: ['person'] })
    expect((await rig.call('POST', '/v1/resume')).json.paused).toBeNull()
  })

  test('snapshot, status, peers, masters and events agree', async () => {
    rig.double.happen('warning', 'something')
    const snapshot = (await rig.call('GET', '/v1/snapshot')).json
    expect(snapshot).toEqual(JSON.parse(JSON.stringify(rig.double.snapshot())))
    expect((await rig.call('GET', '/v1/status')).json).toMatchObject({ name: snapshot.name, ports: { api: rig.port } })
    expect((await rig.call('GET', '/v1/peers')).json).toEqual({ peers: [] })
    expect((await rig.call('GET', '/v1/masters')).json).toEqual({ masters: [] })
    const { events } = (await rig.call('GET', '/v1/events')).json
    expect(events.at(-1)).toMatchObject({ type: 'warning', text: 'something' })
    expect((await rig.call('GET', `/v1/events?since=${events.at(-1).seq}`)).json.events).toEqual([])
  })

  test('an answer that breaks the contract is not sent', async () => {
    rig.double.change({ peers: [{ name: 5 }] as never })
    expect((await rig.call('GET', '/v1/peers')).json.code).toBe('INTERNAL')
    rig.double.change({ peers: [] })
  })
})

describe('the bytes of a request', () => {
  const ask = async () => (await post('/v1/requests', { url: 'http://origin.test/bytes' })).json.id

  test('come verified, and the content is let go afterwards', async () => {
    const data = Buffer.alloc(3 * 1024 * 1024 + 17, 'larder')
    const id = await ask()
    expect((await rig.call('GET', `/v1/requests/${id}/content`)).json.code).toBe('BUSY')
    const { sha256 } = rig.double.finish(id, data)
    const response = await fetch(`http://127.0.0.1:${rig.port}/v1/requests/${id}/content`, {
      headers: { authorization: `Bearer ${rig.token}` }
    })
    expect(response.headers.get('content-length')).toBe(String(data.length))
    expect(response.headers.get('etag')).toBe(`"sha256:${sha256}"`)
    expect(Buffer.from(await response.arrayBuffer()).equals(data)).toBe(true)
    await expect.poll(() => rig.double.cacheDouble.openReaders).toBe(0)
  })

  test('of length zero are an empty answer', async () => {
    const id = await ask()
    rig.double.finish(id, Buffer.alloc(0))
    const answer = await rig.call('GET', `/v1/requests/${id}/content`)
    expect([answer.status, answer.headers['content-length'], answer.text]).toEqual([200, '0', ''])
  })

  test('are broken off at a damaged piece, never delivered', async () => {
    const id = await ask()
    const { sha256 } = rig.double.finish(id, Buffer.alloc(2 * 1024 * 1024 + 5, 'x'))
    rig.double.cacheDouble.damage(sha256!, 1024 * 1024 + 7)
    await expect(rig.call('GET', `/v1/requests/${id}/content`)).rejects.toThrow()
    await expect.poll(() => rig.double.cacheDouble.openReaders).toBe(0)
  })

  test('are let go when the reader leaves', async () => {
    const id = await ask()
    rig.double.finish(id, Buffer.alloc(24 * 1024 * 1024, 'z'))
    const leave = new AbortController()
    const response = await fetch(`http://127.0.0.1:${rig.port}/v1/requests/${id}/content`, {
      headers: { authorization: `Bearer ${rig.token}` },
      signal: leave.signal
    })
    expect(response.status).toBe(200)
    leave.abort()
    await expect.poll(() => rig.double.cacheDouble.openReaders).toBe(0)
  })

  test('are the request’s error when it failed, and not found when the cache has let them go', async () => {
    const id = await ask()
    rig.double.fail(id, new LarderError('ORIGIN_NOT_FOUND', 'gone'))
    expect((await rig.call('GET', `/v1/requests/${id}/content`)).json.code).toBe('ORIGIN_NOT_FOUND')
    const other = await ask()
    await rig.double.cacheDouble.remove(rig.double.finish(other, Buffer.from('short')).sha256!)
    expect((await rig.call('GET', `/v1/requests/${other}/content`)).json.code).toBe('NOT_FOUND')
  })
})

test('a taken port is named', async () => {
  const options = {
    agent: rig.double,
    token: rig.token,
    port: rig.port,
    settings: rig.double.settings,
    clock: systemClock,
    log: rig.log,
    logDir: rig.dir,
    examine: async () => reportOf(0, '0', []),
    openMetrics: false
  }
  await expect(startApi(options)).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    message: expect.stringContaining(String(rig.port)),
    details: { port: rig.port }
  })
})
