import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Settings } from '../contract/settings.ts'
import { systemClock } from '../lib/clock.ts'
import { startOriginServer, type OriginServer } from '../testing/origin-server.ts'
import { createOriginClient } from './origin-client.ts'
import type { OriginClient } from './origin.ts'

let server: OriginServer
let other: OriginServer
let client: OriginClient
let dir: string
let right: string

beforeAll(async () => {
  server = await startOriginServer({ https: true })
  other = await startOriginServer()
  dir = await mkdtemp(join(tmpdir(), 'larder-checksums-'))
  await writeFile(join(dir, 'ca.pem'), server.ca!)
})
afterAll(async () => {
  await server.close()
  await other.close()
  await rm(dir, { recursive: true, force: true })
})
beforeEach(async () => {
  server.reset()
  client = make(['127.0.0.1'])
  server.put('/dist/tool.bin', { generate: { bytes: 5000, seed: 'tool' } })
  right = await server.sha256('/dist/tool.bin')
})
afterEach(async () => {
  await client.close()
  for (const path of ['/dist/tool.bin.sha256', '/dist/SHA256SUMS']) server.remove(path)
})

const make = (checksumHosts: string[]) =>
  createOriginClient({
    clock: systemClock,
    settings: Settings.parse({
      origin: { trustLoopback: true, checksumHosts, extraCaFile: join(dir, 'ca.pem') }
    }).origin,
    env: {},
    userAgent: 'larder/test'
  })
async function digestOf(headers: Record<string, string> = {}, base = server.httpsUrl): Promise<string | null> {
  const result = await client.probe(`${base}/dist/tool.bin`, { headers })
  return result.status === 'version' ? result.version.sha256 : null
}
const looked = () => server.requests().filter(({ path }) => path !== '/dist/tool.bin')

describe('a checksum file beside a file', () => {
  it('gives its digest, alone or in a list of many', async () => {
    server.put('/dist/SHA256SUMS', Buffer.from(`${'0'.repeat(64)}  else.bin\n${right} *tool.bin\n`))
    expect(await digestOf()).toBe(right)
    server.put('/dist/tool.bin.sha256', Buffer.from(`${'a'.repeat(64)}\n`))
    expect(await digestOf()).toBe('a'.repeat(64))
  })

  it('is not looked for at hosts nobody listed, over http, or for anyone who shows a password', async () => {
    server.put('/dist/tool.bin.sha256', Buffer.from(right))
    expect(await digestOf({}, server.url)).toBe(null)
    expect(await digestOf({ authorization: 'Basic dTpw' })).toBe(null)
    await client.close()
    client = make(['other.example'])
    expect(await digestOf()).toBe(null)
    expect(looked()).toEqual([])
  })

  it('is none when it is too long, from another server, or not to be had', async () => {
    expect(await digestOf()).toBe(null)
    server.put('/dist/tool.bin.sha256', Buffer.from(`${right}  tool.bin\n${'#'.repeat(300 * 1024)}`))
    expect(await digestOf()).toBe(null)
    other.put('/dist/tool.bin.sha256', Buffer.from(right))
    server.put('/dist/tool.bin.sha256', Buffer.alloc(0), { redirect: { to: `${other.url}/dist/tool.bin.sha256` } })
    expect(await digestOf()).toBe(null)
  })
})
