import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { RequestSpecInput } from '../contract/request.ts'
import { ask, startFleet, type Fleet } from '../testing/fleet.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const BYTES = 3 * 1024 * 1024 + 5
let origin: OriginServer
let fleet: Fleet
let dir: string
let seeds = 0
beforeAll(async () => {
  origin = await startOriginServer({ https: true })
  dir = await mkdtemp(join(tmpdir(), 'larder-one-content-'))
  await writeFile(join(dir, 'ca.pem'), origin.ca!)
  fleet = await startFleet(2, { origin: { ignoredQuery: ['127.0.0.1?token'], extraCaFile: join(dir, 'ca.pem') } })
})
afterAll(async () => {
  await fleet.stop()
  await origin.close()
  await rm(dir, { recursive: true, force: true })
})

/** One PC after the other asks for what may be the same. @returns how many of its bytes came from the first one */
async function second(first: RequestSpecInput, then: RequestSpecInput): Promise<number> {
  const [one, two] = fleet.agents
  expect((await ask(one!.agent, first)).error).toBeNull()
  const view = await ask(two!.agent, then)
  expect(view.error).toBeNull()
  return view.split.peerBytes
}

/** New bytes at these paths. @returns their SHA-256 */
async function put(pathsOf: (sha256: string) => string[]): Promise<string> {
  const content = { generate: { bytes: BYTES, seed: ++seeds } }
  origin.put('/digest', content)
  const sha256 = await origin.sha256('/digest')
  for (const path of pathsOf(sha256)) origin.put(path, content)
  return sha256
}

test('URLs that differ in a parameter that does not count are one content, and in another one are not', async () => {
  await put(() => ['/signed.bin'])
  const signed = (query: string) => ({ url: `${origin.url}/signed.bin?${query}` })
  expect(await second(signed('token=1&v=1'), signed('token=2&v=1'))).toBe(BYTES)
  expect(await second(signed('token=1&v=2'), signed('token=1&v=3'))).toBe(0)
})

test.each<[string, (sha256: string) => [string, string]]>([
  ['of a registry', (sha256) => [`/v2/a/blobs/sha256:${sha256}`, `/v2/b/blobs/sha256:${sha256}`]],
  ['of a mirror', (sha256) => [`/m1/by-hash/SHA256/${sha256}`, `/m2/by-hash/SHA256/${sha256}`]]
])('URLs that name one digest are one content (%s)', async (_of, paths) => {
  const [one, two] = paths(await put(paths))
  expect(await second({ url: origin.url + one }, { url: origin.url + two })).toBe(BYTES)
})

test('a fragment that names a digest, and a digest that is given, are one content, too', async () => {
  const sha256 = await put(() => ['/a.whl', '/b.whl'])
  expect(
    await second({ url: `${origin.url}/a.whl#sha256=${sha256}` }, { url: `${origin.url}/b.whl`, integrity: sha256 })
  ).toBe(BYTES)
})

test('a redirect from https to http is followed where a digest vouches for the bytes, and refused elsewhere', async () => {
  const sha256 = await put(() => ['/plain.bin'])
  origin.put('/secure.bin', Buffer.alloc(0), { redirect: { to: `${origin.url}/plain.bin` } })
  const url = `${origin.httpsUrl}/secure.bin`
  const { agent } = fleet.agents[0]!
  const refused = await ask(agent, { url })
  expect(refused.error).toMatchObject({ code: 'ORIGIN_DOWNGRADE', next: expect.stringContaining('digest') })
  expect(await ask(agent, { url, integrity: sha256 })).toMatchObject({ state: 'done', sha256 })
})
