import { describe, expect, test } from 'vitest'
import type { PeerId } from '../contract/ids.ts'
import { RequestSpec, type RequestView } from '../contract/request.ts'
import { Settings } from '../contract/settings.ts'
import type { AgentSnapshot } from '../contract/snapshot.ts'
import { AgentDouble } from '../testing/agent-double.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { keptLog } from '../testing/kept-log.ts'
import { trayMenu, type TrayItem } from './tray-menu.ts'

const running = { state: 'running' } as const
const agent = () => {
  const double = new AgentDouble(
    { dataDir: '/nowhere', settings: Settings.parse({}), name: 'pc' },
    { clock: fakeClock(), log: keptLog(), env: {} }
  )
  double.change({ state: 'running' })
  return double
}
const snapshot = (changes: Partial<AgentSnapshot> = {}): AgentSnapshot => ({ ...agent().snapshot(), ...changes })

function request(changes: Partial<RequestView>): RequestView {
  return {
    ...agent().request(RequestSpec.parse({ url: 'http://origin.test/dir/setup%20file.msi' })),
    state: 'active',
    waitingFor: null,
    ...changes
  }
}
const upload = (peer: string) => ({
  peer: peer.repeat(64) as PeerId,
  peerName: peer,
  key: `sha256:${'a'.repeat(64)}` as never,
  pieces: 1,
  bytes: 1,
  since: 0
})
const labels = (items: readonly TrayItem[]): string[] =>
  items.flatMap((item) =>
    item.type === 'separator' ? [] : item.type === 'submenu' ? [item.label, ...labels(item.items)] : [item.label]
  )
const find = (items: readonly TrayItem[], id: string): TrayItem | undefined =>
  items
    .flatMap((item) => (item.type === 'submenu' ? [item, ...item.items] : [item]))
    .find((item) => 'id' in item && item.id === id)

describe('the tray', () => {
  test('shows everything there is to do when idle', () => {
    const { state, items } = trayMenu(running, snapshot())
    expect(state).toBe('idle')
    expect(labels(items)).toEqual([
      'Idle',
      'Serving nobody',
      'Pause',
      'For 1 hour',
      'For 24 hours',
      'Until resumed',
      'Integration on',
      'Open Larder',
      'Open log folder',
      'Quit'
    ])
    expect(find(items, 'pause-24h')).toMatchObject({ action: { do: 'pause', forMs: 86_400_000 } })
  })

  test('tells those that wait apart, with their place in the line', () => {
    const queued = (ahead: number) => request({ state: 'waiting', waitingFor: { what: 'slot', ahead } })
    const { items } = trayMenu(running, snapshot({ requests: [queued(1), queued(0)] }))
    expect(labels(items).slice(0, 3)).toEqual([
      '2 downloads waiting',
      'setup file.msi: waiting, 1st',
      'setup file.msi: waiting, 2nd'
    ])
  })

  test('lists running downloads with percent, five at most, and says how many more', () => {
    const requests = [
      request({ haveBytes: 999, lengthBytes: 1000, rateBytesPerSecond: 1_500_000 }),
      request({ haveBytes: 0, lengthBytes: null, state: 'checking', waitingFor: { what: 'version', ahead: null } }),
      request({ state: 'paused', waitingFor: { what: 'resume', ahead: null }, haveBytes: 5, lengthBytes: 10 }),
      ...Array.from({ length: 4 }, () => request({ haveBytes: 1, lengthBytes: 3 })),
      request({ state: 'done' }),
      request({ state: 'failed' }),
      request({ state: 'cancelled' })
    ]
    const { state, items } = trayMenu(running, snapshot({ requests }))
    expect(state).toBe('downloading')
    expect(labels(items).slice(0, 8)).toEqual([
      'Downloading 5 files at 1.43 MiB/s, 2 waiting',
      'setup file.msi: 99 %',
      'setup file.msi: 33 %',
      'setup file.msi: 33 %',
      'setup file.msi: 33 %',
      'setup file.msi: 33 %',
      'and 2 more',
      'Serving nobody'
    ])
  })

  test('survives names that are no names', () => {
    for (const url of ['http://h/%E0%A4%A', 'not a url', 'http://only.host/', `http://h/${'x'.repeat(300)}\n&`]) {
      const line = labels(trayMenu(running, snapshot({ requests: [request({ url })] })).items)[1]!
      expect(line.length).toBeLessThan(60)
      expect(line.trim()).not.toBe('')
    }
  })

  test('counts the PCs served, not the uploads', () => {
    const { state, items } = trayMenu(running, snapshot({ uploads: [upload('a'), upload('a'), upload('b')] }))
    expect(state).toBe('serving')
    expect(labels(items)).toContain('Serving 2 PCs')
  })

  test('shows what stops Larder before what it does', () => {
    const busy = { requests: [request({})], uploads: [upload('a')] }
    expect(trayMenu(running, snapshot(busy)).state).toBe('downloading')
    expect(trayMenu(running, snapshot({ ...busy, paused: { until: null, by: ['person'] } })).state).toBe('paused')
    expect(
      trayMenu(
        running,
        snapshot({
          ...busy,
          paused: { until: null, by: ['person'] },
          integration: { enabled: false, by: 'helpdesk', since: 0, reason: null, managedBy: null }
        })
      ).state
    ).toBe('off')
    expect(trayMenu(running, snapshot({ ...busy, cache: { ...snapshot().cache, diskFull: true } })).state).toBe('error')
  })

  test('offers to resume instead of to pause while paused, and says until when', () => {
    const { items } = trayMenu(running, snapshot({ paused: { until: Date.UTC(2026, 0, 1, 12), by: ['person'] } }))
    expect(labels(items)[0]).toMatch(/^Paused until .+/)
    expect(find(items, 'resume')).toMatchObject({ action: { do: 'resume' } })
    expect(labels(items)).not.toContain('Pause')
  })

  test('names who turned the integration off, and a click turns it on', () => {
    const { items } = trayMenu(
      running,
      snapshot({ integration: { enabled: false, by: 'anna in the tray', since: 0, reason: null, managedBy: null } })
    )
    expect(labels(items)[0]).toBe('Integration off (by anna in the tray)')
    expect(find(items, 'integration')).toMatchObject({ checked: false, action: { do: 'integration', enabled: true } })
  })

  test('offers no switch for what the policy has decided, and says whose decision it is', () => {
    const { items } = trayMenu(
      running,
      snapshot({ integration: { enabled: false, by: 'IT desk', since: 0, reason: null, managedBy: 'IT desk' } })
    )
    expect(find(items, 'integration')).toEqual({
      type: 'normal',
      id: 'integration',
      label: 'Integration off: decided by IT desk',
      action: null
    })
  })

  test('says why the agent does not run, and offers to try again', () => {
    const { state, tooltip, items } = trayMenu(
      { state: 'failed', error: { code: 'PORT_TAKEN', message: 'Port 4725 is taken', next: 'Choose another.' } },
      null
    )
    expect(state).toBe('error')
    expect(tooltip).toContain('Port 4725 is taken')
    expect(labels(items)).toEqual(['Port 4725 is taken', 'Try again', 'Open Larder', 'Open log folder', 'Quit'])
  })

  test('can be opened and quit while the agent is starting', () => {
    expect(labels(trayMenu({ state: 'starting' }, null).items)).toEqual([
      'Starting…',
      'Open Larder',
      'Open log folder',
      'Quit'
    ])
  })

  test('has a tooltip with totals that Windows does not cut', () => {
    const { tooltip } = trayMenu(
      running,
      snapshot({
        totals: {
          originBytes: 5 * 2 ** 30,
          peerBytes: 123 * 2 ** 40,
          cacheBytes: 0,
          servedBytes: 1500,
          sampledBytes: 0,
          verified: { digest: 0, origin: 0, sample: 0, members: 0 },
          fallbacks: 0,
          bypassed: 0,
          discardedBytes: 0
        }
      })
    )
    expect(tooltip).toBe('Larder: idle\nFrom peers 123 TiB, from origins 5 GiB\nServed to others 1.46 KiB')
    expect(tooltip.length).toBeLessThanOrEqual(127)
  })
})
