import { Ajv2020 } from 'ajv/dist/2020.js'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { filledPath, httpForm } from '../contract/operations/http-form.ts'
import { apiOperationNames, operationOf } from '../contract/operations/operations.ts'
import type { ContentKey } from '../contract/ids.ts'
import { Settings } from '../contract/settings.ts'
import { systemClock } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import { settingsInMemory } from '../settings/live-settings.ts'
import { startAgentRig, type AgentRig } from '../testing/agent-rig.ts'
import { SettingsBook } from '../window/setting-views.ts'

let rig: AgentRig
let document: any
const rendererDir = mkdtempSync(join(tmpdir(), 'larder-page-'))
beforeAll(async () => {
  writeFileSync(join(rendererDir, 'index.html'), '')
  rig = await startAgentRig({
    settings: { precache: { list: 'http://origin.test/list' } },
    ui: { rendererDir, settings: new SettingsBook(() => settingsInMemory(Settings.parse({}), systemClock), null) }
  })
  document = (await rig.call('GET', '/v1/openapi.json')).json
})
afterAll(async () => {
  await rig.close()
  rmSync(rendererDir, { recursive: true })
})

const routes = apiOperationNames.map(
  (name) => [name, { ...operationOf(name), ...httpForm(operationOf(name)) }] as const
)
const documented = (path: string) => path.replace(/:([a-zA-Z0-9]+)/g, '{$1}')

/** Every object in the document. */
function* objects(value: unknown): Generator<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) yield value as Record<string, unknown>
  for (const item of Object.values(value)) yield* objects(item)
}

test('the document lists all routes and no others', () => {
  const listed = Object.entries<any>(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`)
  )
  expect(listed.sort()).toEqual(routes.map(([, { method, path }]) => `${method} ${documented(path)}`).sort())
})

test.each(routes)('%s says what goes in and what comes out', (name, route) => {
  const operation = document.paths[documented(route.path)][route.method.toLowerCase()]
  expect(operation).toMatchObject({
    operationId: name,
    summary: route.summary,
    security: route.who === 'anyone' ? [] : [{ token: [] }]
  })
  const parameters = (operation.parameters ?? []) as { in: string; name: string; required?: boolean }[]
  expect(parameters.filter((parameter) => parameter.in === 'path').map((parameter) => parameter.name)).toEqual(
    [...route.path.matchAll(/:([a-zA-Z0-9]+)/g)].map((match) => match[1])
  )
  expect(parameters.filter((parameter) => parameter.in === 'query').map((parameter) => parameter.name)).toEqual(
    Object.keys(route.query?.shape ?? {})
  )
  expect('requestBody' in operation).toBe(route.body !== null)
  expect(Object.keys(operation.responses[route.status].content)).toEqual([
    ...(route.answer ? ['application/json'] : []),
    ...(route.stream ? ['text/event-stream'] : []),
    ...(route.bytes ? ['application/octet-stream'] : [])
  ])
  expect(operation.responses.default.content['application/json'].schema).toEqual({
    $ref: '#/components/schemas/ErrorView'
  })
})

test('the document keeps the form of OpenAPI 3.1, and every reference leads somewhere', () => {
  expect(document).toMatchObject({ openapi: '3.1.0', info: { title: expect.any(String), version: '0.1.0' } })
  const ids = routes.map(([name]) => name)
  expect(new Set(ids).size).toBe(ids.length)
  for (const { $ref } of objects(document)) {
    if (typeof $ref !== 'string') continue
    const found = $ref
      .replace('#/', '')
      .split('/')
      .reduce((at: any, key) => at?.[key], document)
    expect(found, $ref).toBeDefined()
  }
  for (const [path, methods] of Object.entries<any>(document.paths)) {
    for (const operation of Object.values<any>(methods))
      for (const response of Object.values<any>(operation.responses))
        expect(response.description, path).toEqual(expect.any(String))
  }
})

test('generators of clients have what they need: a server, a license, every required property, no schema that nothing uses', () => {
  expect(document.servers).toEqual([expect.objectContaining({ url: 'http://127.0.0.1:4725' })])
  expect(document.info.license).toMatchObject({ identifier: 'Apache-2.0' })
  let records = 0
  for (const schema of objects(document)) {
    if (schema['type'] !== 'object' || !Array.isArray(schema['required'])) continue
    records++
    expect(Object.keys(schema['properties'] ?? {})).toEqual(expect.arrayContaining(schema['required']))
  }
  expect(records).toBeGreaterThan(30)
  const named = new Set([...objects(document)].map(({ $ref }) => $ref))
  for (const name of Object.keys(document.components.schemas))
    expect(named, `${name} is used`).toContain(`#/components/schemas/${name}`)
})

test('real answers fit the schemas of the document', async () => {
  const id = rig.double.request({
    url: 'http://origin.test/a',
    kind: 'resource',
    priority: 'foreground',
    overwrite: true,
    allowStale: false
  }).id
  const sha256 = rig.double.finish(id, Buffer.from('hello')).sha256!
  rig.double.happen('warning', 'something')
  const key = `sha256:${sha256}` as ContentKey
  rig.double.runTransfer(key)
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false })
  ajv.addSchema({ $id: 'larder', components: document.components })
  const resolved = (schema: unknown) =>
    JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"larder#/components/'))
  let checked = 0
  for (const [name, route] of routes) {
    if (!route.answer || name === 'agent.openapi') continue
    const bodies: Record<string, string> = {
      'request.start': '{"url": "http://origin.test/b"}',
      'precache.run': '{"items": []}',
      'integration.set': '{"enabled": true}',
      'settings.set': '{"value": 5}',
      'log.set': '{"level": "debug"}'
    }
    const body = bodies[name]
    if (name === 'request.retry') rig.double.fail(id, new LarderError('TIMEOUT', 'too late'))
    const path =
      filledPath(route.path, { id, sha256, key, name: 'election.weight' }) +
      (name === 'why.explain' ? '?about=origin.test' : '')
    const answer = await rig.call(route.method, path, body === undefined ? {} : { body })
    // It comes before `cache.pin` in the table.
    if (name === 'cache.remove') rig.double.cacheDouble.keep(Buffer.from('hello'))
    expect([name, answer.status]).toEqual([name, route.status])
    const validate = ajv.compile(
      resolved(
        document.paths[documented(route.path)][route.method.toLowerCase()].responses[route.status].content[
          'application/json'
        ].schema
      )
    )
    expect(validate(answer.json), `${name}: ${ajv.errorsText(validate.errors)}`).toBe(true)
    expect(validate({ nothing: 'of it' }), name).toBe(false)
    checked++
  }
  expect(checked).toBeGreaterThan(15)
})
