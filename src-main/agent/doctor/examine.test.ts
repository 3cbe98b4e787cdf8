import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Check } from '../../contract/doctor.ts'
import { Settings, type SettingsInput } from '../../contract/settings.ts'
import type { AgentSnapshot } from '../../contract/snapshot.ts'
import { dataPaths } from '../../lib/data-paths.ts'
import { AgentDouble } from '../../testing/agent-double.ts'
import { fakeClock } from '../../testing/fake-clock.ts'
import { keptLog } from '../../testing/kept-log.ts'
import { examine, type Patient } from './examine.ts'
import { systemProbes, type Probes } from './probes.ts'

let dir: string
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'larder-doctor-'))))
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const healthy: Probes = {
  run: async () => null,
  connect: async () => null,
  multicast: async () => null,
  write: async () => null,
  lastUpdate: async () => null,
  freeBytes: async () => 68 * 1024 ** 3
}
const iface = { name: 'eth0', address: '10.0.0.1', used: true, reason: null }

async function check(
  change: {
    settings?: SettingsInput
    snapshot?: Partial<AgentSnapshot> | null
    probes?: Partial<Probes>
    skews?: Patient['skews']
    env?: Patient['env']
    platform?: NodeJS.Platform
  } = {}
) {
  const settings = Settings.parse(change.settings ?? {})
  const double = new AgentDouble(
    { dataDir: dir, settings, name: 'pc' },
    { clock: fakeClock(), log: keptLog(), env: {} }
  )
  const snapshot: AgentSnapshot | null =
    change.snapshot === null
      ? null
      : {
          ...double.snapshot(),
          fleet: { member: true, via: 'site-key', tag: 'abc' },
          ports: { api: 1, peer: 2, beacon: 3 },
          interfaces: [iface],
          ...change.snapshot
        }
  const checks = await examine(
    {
      paths: dataPaths(dir),
      settings,
      env: change.env ?? {},
      platform: change.platform ?? 'linux',
      snapshot,
      skews: change.skews ?? []
    },
    { ...healthy, ...change.probes }
  )
  for (const one of checks) expect(Check.safeParse(one).error?.issues ?? [], one.id).toEqual([])
  expect(new Set(checks.map(({ id }) => id)).size).toBe(checks.length)
  return (id: string) => checks.find((one) => one.id === id)
}

const peer = (
  state: AgentSnapshot['peers'][number]['state'],
  more: Partial<AgentSnapshot['peers'][number]> = {}
): AgentSnapshot['peers'][number] => ({
  id: null,
  name: 'studio-2',
  address: '10.0.0.2',
  state,
  reason: null,
  weight: null,
  version: null,
  since: 0,
  receivedBytes: 0,
  servedBytes: 0,
  banned: false,
  ...more
})

describe('the doctor', () => {
  test('finds nothing wrong where nothing is', async () => {
    const of = await check({
      snapshot: { peers: [peer('connected')] },
      skews: [{ host: 'o.test', aheadMs: 200, at: 0 }]
    })
    for (const id of [
      'version',
      'settings',
      'integration',
      'fleet',
      'process',
      'ports.api',
      'ports.peer.10.0.0.1',
      'ports.beacon',
      'firewall',
      'multicast.eth0',
      'peers.connected',
      'clock',
      'disk.data',
      'cache',
      'proxy',
      'gateway'
    ]) {
      expect([id, of(id)?.verdict, of(id)?.next]).toEqual([id, 'ok', null])
    }
  })

  test('knows the Mac that may not reach its own network', async () => {
    const near = { address: '10.0.0.7', reason: 'cannot be reached (EHOSTUNREACH)' }
    const verdict = async (peers: AgentSnapshot['peers'], platform: NodeJS.Platform = 'darwin') =>
      (await check({ platform, snapshot: { peers } }))('local-network')?.verdict
    expect(await verdict([peer('lost', near)])).toBe('fail')
    expect(await verdict([peer('lost', { ...near, address: '10.9.9.9' })])).toBe('ok')
    expect(await verdict([peer('lost', near), peer('connected')])).toBe('ok')
    expect(await verdict([peer('lost', near)], 'linux')).toBeUndefined()
  })

  test('says what to do about everything that is wrong', async () => {
    const bad: [string, string, Parameters<typeof check>[0]][] = [
      ['fleet', 'warn', { snapshot: { fleet: { member: false, via: 'none', tag: null } } }],
      [
        'integration',
        'note',
        { snapshot: { integration: { enabled: false, by: 'helpdesk', since: 0, reason: null, managedBy: null } } }
      ],
      ['integration', 'note', { snapshot: { paused: { until: null, by: ['person'] } } }],
      ['ports.api', 'fail', { probes: { connect: async (host) => (host === '127.0.0.1' ? 'ECONNREFUSED' : null) } }],
      [
        'ports.peer.10.0.0.1',
        'fail',
        { probes: { connect: async (host) => (host === '10.0.0.1' ? 'ETIMEDOUT' : null) } }
      ],
      ['ports.beacon', 'fail', { snapshot: { ports: { api: 1, peer: 2, beacon: null } } }],
      ['ports.moved', 'note', { settings: { ports: { peer: 5000 } } }],
      ['multicast.eth0', 'warn', { probes: { multicast: async () => 'ENETUNREACH' } }],
      ['peers.connected', 'warn', {}],
      ['peers.refused', 'warn', { snapshot: { peers: [peer('refused', { reason: 'has another site key' })] } }],
      ['peers.seen', 'note', { snapshot: { peers: [peer('seen')] } }],
      ['peers.path-mtu', 'warn', { snapshot: { peers: [peer('connected', { leftOut: { since: 1, until: 2 } })] } }],
      ['peers.banned', 'warn', { snapshot: { peers: [peer('connected', { banned: true })] } }],
      ['clock', 'warn', { skews: [{ host: 'o.test', aheadMs: -120_000, at: 0 }] }],
      [
        'clock',
        'fail',
        {
          skews: [
            { host: 'o.test', aheadMs: 3600_000, at: 0 },
            { host: 'p.test', aheadMs: 3601_000, at: 0 }
          ]
        }
      ],
      ['disk.data', 'fail', { probes: { write: async () => 'EROFS' } }],
      [
        'proxy',
        'fail',
        {
          env: { HTTPS_PROXY: 'http://proxy.test:3128' },
          probes: { connect: async (host) => (host === 'proxy.test' ? 'ENOTFOUND' : null) }
        }
      ],
      ['gateway', 'note', { settings: { gateway: { enabled: true } } }]
    ]
    for (const [id, verdict, change] of bad) {
      const found = (await check(change))(id)
      expect([id, found?.verdict]).toEqual([id, verdict])
      expect(found?.next, id).toMatch(/\w/)
    }
  })

  test('names the refused with the reason, and the proxy without its password', async () => {
    const of = await check({
      snapshot: { peers: [peer('refused', { reason: 'has another site key' })] },
      env: { HTTPS_PROXY: 'http://user:hunter22@proxy.test:3128' }
    })
    expect(of('peers.refused')!.seen).toBe('studio-2 (10.0.0.2): has another site key')
    expect(JSON.stringify(of('proxy'))).not.toContain('hunter22')
    expect(of('proxy')!.seen).toContain('proxy.test:3128')
  })

  test('reads the settings file, and tells where it is wrong', async () => {
    writeFileSync(join(dir, 'settings.json'), '{"ports": {"api": 4725, "apy": 1}}')
    expect((await check())('settings')).toMatchObject({ verdict: 'warn', seen: expect.stringContaining('ports.apy') })
    writeFileSync(join(dir, 'settings.json'), '{"ports": {"api": "x"}}')
    expect((await check())('settings')).toMatchObject({ verdict: 'fail', seen: expect.stringContaining('ports.api') })
  })

  test('without an agent it finds a program on its port', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const { port } = other.address() as AddressInfo
    const settings = { ports: { api: port } }
    expect(
      (await check({ settings, snapshot: null, probes: { connect: systemProbes.connect } }))('ports.api')
    ).toMatchObject({ verdict: 'fail', next: expect.stringContaining('ports.api') })
    await new Promise((resolve) => other.close(resolve))
    expect(
      (await check({ settings, snapshot: null, probes: { connect: systemProbes.connect } }))('ports.api')
    ).toMatchObject({ verdict: 'ok' })
  })
})

describe('what it does to the world', () => {
  test('a command that is not there, or ends badly, is an answer', async () => {
    expect(await systemProbes.run('larder-no-such-command', [])).toBeNull()
    expect(await systemProbes.run(process.execPath, ['-e', 'console.log(1); process.exit(3)'])).toEqual({
      code: 3,
      stdout: '1\n'
    })
  })

  test('writing leaves nothing behind, and fails where it cannot', async () => {
    expect(await systemProbes.write(dir)).toBeNull()
    expect(await systemProbes.write(join(dir, 'nowhere'))).toBe('ENOENT')
    const { readdirSync } = await import('node:fs')
    expect(readdirSync(dir)).toEqual([])
  })

  test('a datagram to an address that is not here fails at once', async () => {
    expect(await systemProbes.multicast('239.255.47.26', '203.0.113.7')).toMatch(/^E/)
  })
})
