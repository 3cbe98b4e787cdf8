import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { Settings } from '../contract/settings.ts'
import { systemClock } from '../lib/clock.ts'
import { createOriginClient } from './origin-client.ts'
import type { Chooser } from './address-policy.ts'
import type { OriginClient } from './origin.ts'

const refused = expect.objectContaining({ code: 'ADDRESS_REFUSED' })
const ended: (() => unknown)[] = []

/** Every name leads to loopback, where the servers of the test are, unless `elsewhere` says otherwise. */
function client(addresses: Record<string, string | (() => string)> = {}, trustLoopback = false): OriginClient {
  const made = createOriginClient({
    clock: systemClock,
    settings: Settings.parse({ origin: { trustLoopback } }).origin,
    env: {},
    userAgent: 'larder/test',
    async resolve(hostname) {
      const address = addresses[hostname] ?? '127.0.0.1'
      return [{ address: typeof address === 'string' ? address : address(), family: 4 }]
    }
  })
  ended.push(() => made.close())
  return made
}

async function serve(listener: RequestListener): Promise<{ port: number; asked: () => number }> {
  let asked = 0
  const server: Server = createServer((request, response) => {
    asked++
    listener(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ended.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, asked: () => asked }
}

const file: RequestListener = (_request, response) => {
  response.writeHead(200, { etag: '"1"', 'content-length': '4' })
  response.end('loot')
}

afterEach(async () => {
  for (const end of ended.splice(0)) await end()
})

describe('a name that leads to this PC', () => {
  it.each(['user', 'policy', 'other'] as const)('is not asked, whoever chose it: %s', async (chooser) => {
    const victim = await serve(file)
    await expect(client().probe(`http://rebound.test:${victim.port}/`, { chooser })).rejects.toEqual(refused)
    expect(victim.asked()).toBe(0)
  })

  it('is not asked by way of a redirect, a metalink or the bytes of a version', async () => {
    const victim = await serve(file)
    const lure = await serve((_request, response) => {
      response.writeHead(302, { location: `http://rebound.test:${victim.port}/` })
      response.end()
    })
    for (const chooser of ['user', 'policy', 'other'] as const)
      await expect(client().probe(`http://127.0.0.1:${lure.port}/`, { chooser })).rejects.toEqual(refused)
    expect(victim.asked()).toBe(0)
  })

  it('is not asked when it led elsewhere a moment ago', async () => {
    const victim = await serve(file)
    const url = `http://e.test:${victim.port}/`
    const probed = await client({}, true).probe(url, {})
    if (probed.status !== 'version') throw new Error('no version')
    const before = victim.asked()
    await expect(client().open(probed.version, { start: 0, end: null }, {})).rejects.toEqual(refused)
    expect(victim.asked()).toBe(before)
  })
})

describe('an address of this PC', () => {
  it.each(['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1'])(
    'is asked as %s when the user names it, and what comes is private',
    async (host) => {
      const server = await serve(file)
      const asked = await client().probe(`http://${host}:${server.port}/`, {})
      expect(asked).toMatchObject({ status: 'version', version: { unshareable: 'private' } })
      const trusted = await client({}, true).probe(`http://${host}:${server.port}/`, {})
      expect(trusted).toMatchObject({ version: { unshareable: null } })
    }
  )

  it('is not asked when a list or a listed name leads there, nor when a redirect of another host does', async () => {
    const victim = await serve(file)
    const lure = await serve((_request, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${victim.port}/` })
      response.end()
    })
    await expect(client().probe(`http://127.0.0.1:${victim.port}/`, { chooser: 'other' })).rejects.toEqual(refused)
    await expect(client().pass(`http://127.0.0.1:${lure.port}/`, passing('other'))).rejects.toEqual(refused)
    expect([victim.asked(), lure.asked()]).toEqual([0, 0])
  })

  it('may redirect to itself when the user named it, and not by way of another host', async () => {
    const target = await serve(file)
    let location = `http://localhost:${target.port}/`
    const named = await serve((_request, response) => {
      response.writeHead(302, { location })
      response.end()
    })
    const probe = () => client().probe(`http://127.0.0.1:${named.port}/`, {})
    expect(await probe()).toMatchObject({ status: 'version', version: { unshareable: 'private' } })
    const before = target.asked()
    location = `http://rebound.test:${target.port}/`
    await expect(probe()).rejects.toEqual(refused)
    expect(target.asked()).toBe(before)
  })

  it('takes nobody else through a connection that was open to the user', async () => {
    const server = await serve(file)
    const one = client()
    await one.probe(`http://localhost:${server.port}/`, {})
    await expect(one.probe(`http://localhost:${server.port}/`, { chooser: 'other' })).rejects.toEqual(refused)
  })
})

it.each(['169.254.169.254', '168.63.129.16', '100.100.100.200', '0xa9fea9fe', '[fd00:ec2::254]', '[::ffff:a9fe:a9fe]'])(
  'the metadata service %s is reached by no redirect, list or gateway',
  async (address) => {
    const lure = await serve((_request, response) => {
      response.writeHead(302, { location: `http://${address}/latest/meta-data/` })
      response.end()
    })
    await expect(client({}, true).probe(`http://127.0.0.1:${lure.port}/`, {})).rejects.toEqual(refused)
    for (const chooser of ['policy', 'other'] as const)
      await expect(client({}, true).pass(`http://${address}/`, passing(chooser))).rejects.toEqual(refused)
    const named = client({ 'metadata.test': '169.254.169.254' }, true)
    await expect(named.probe('http://metadata.test/', {})).rejects.toEqual(refused)
  }
)

function passing(chooser: Chooser) {
  return { method: 'GET' as const, headers: {}, conditions: {}, chooser }
}
