import { errorTable } from '../../src-main/contract/errors.ts'
import type { FixtureAgent } from './fixture-bridge.ts'
import { fixtureSettings, managedSettings } from './settings.ts'
import {
  busy,
  everyday,
  queue,
  failedRequest,
  FIXTURE_NOW,
  fixtureEntries,
  fixtureSnapshot,
  GIB,
  manySubnets,
  nightlyPrecache,
  oneDownload
} from './snapshots.ts'

const noSavings = { originBytes: 0, peerBytes: 0, cacheBytes: 0, servedBytes: 0, savedShare: null }

/** Every state a window can be in, by name. */
export const fixtures = {
  everyday: (): FixtureAgent => ({ snapshot: everyday(), entries: fixtureEntries(214), settings: managedSettings() }),
  empty: (): FixtureAgent => ({
    snapshot: fixtureSnapshot({
      peers: [],
      events: [],
      cache: {
        ...fixtureSnapshot().cache,
        entries: 0,
        bytes: 0,
        partialBytes: 0,
        pinned: 0,
        evictions: 0,
        evictedLastHour: { contents: 0, bytes: 0 }
      },
      totals: {
        originBytes: 0,
        peerBytes: 0,
        cacheBytes: 0,
        servedBytes: 0,
        sampledBytes: 0,
        verified: { digest: 0, origin: 0, sample: 0, members: 0 },
        fallbacks: 0,
        bypassed: 0,
        discardedBytes: 0
      },
      savings: { today: noSavings, days7: noSavings, days28: noSavings }
    }),
    entries: [],
    settings: fixtureSettings()
  }),
  subnets: (): FixtureAgent => ({ snapshot: manySubnets(), entries: fixtureEntries(40), settings: fixtureSettings() }),
  loading: (): FixtureAgent => ({ snapshot: null, status: { state: 'starting' } }),
  one: (): FixtureAgent => ({ snapshot: oneDownload(), entries: fixtureEntries(40), settings: fixtureSettings() }),
  queue: (): FixtureAgent => ({ snapshot: queue(), entries: fixtureEntries(12), settings: fixtureSettings() }),
  busy: (): FixtureAgent => ({ snapshot: busy(500), entries: fixtureEntries(10_000), settings: fixtureSettings() }),
  failed: (): FixtureAgent => ({
    snapshot: null,
    settings: fixtureSettings(),
    status: {
      state: 'failed',
      error: {
        code: 'PORT_TAKEN',
        message: 'Port 4726 is used by another program (pid 2280).',
        next: errorTable.PORT_TAKEN.next
      }
    }
  }),
  trouble: (): FixtureAgent => ({
    snapshot: fixtureSnapshot({
      requests: [
        failedRequest(0, 'DISK_FULL', 'The disk of the destination has 11 MiB left; 612 MiB are needed.'),
        failedRequest(
          1,
          'ORIGIN_TLS',
          'The certificate of updates.vendor.example is not trusted: self-signed certificate in chain.',
          { reasons: ['no-peers', 'origin-error'] }
        ),
        failedRequest(
          4,
          'DIGEST_MISMATCH',
          'The file is not the one that was asked for: its SHA-256 differs from the expected one.',
          { reasons: ['peer-corrupt'] }
        )
      ],
      cache: { ...fixtureSnapshot().cache, bytes: 49.9 * GIB, freeBytes: 11 * 1024 ** 2, diskFull: true }
    }),
    entries: fixtureEntries(214),
    settings: fixtureSettings()
  }),
  disconnected: (): FixtureAgent => ({ snapshot: everyday(), entries: fixtureEntries(214), absent: true }),
  stale: (): FixtureAgent => ({ snapshot: everyday(), entries: fixtureEntries(214), settings: fixtureSettings() }),
  managed: (): FixtureAgent => ({ snapshot: everyday(), entries: fixtureEntries(214), settings: managedSettings() }),
  paused: (): FixtureAgent => ({
    snapshot: {
      ...everyday(),
      paused: { until: everyday().at + 55 * 60_000, by: ['person'] },
      requests: everyday().requests.map((r) =>
        r.state === 'active' || r.state === 'waiting'
          ? { ...r, state: 'paused', waitingFor: { what: 'resume', ahead: null }, rateBytesPerSecond: 0 }
          : r
      ),
      uploads: []
    },
    entries: fixtureEntries(214),
    settings: fixtureSettings()
  }),
  stopped: (): FixtureAgent => ({
    snapshot: {
      ...everyday(),
      servingStopped: { until: everyday().at + 55 * 60_000 },
      uploads: [],
      weight: { value: 0, why: 'serves nobody at the moment', machine: everyday().weight.machine }
    },
    entries: fixtureEntries(214),
    settings: fixtureSettings()
  }),
  verifying: (): FixtureAgent => ({
    snapshot: everyday(),
    entries: fixtureEntries(214),
    settings: fixtureSettings(),
    verifying: { done: 87, total: 214 }
  }),
  precaching: (): FixtureAgent => ({
    snapshot: {
      ...fixtureSnapshot(),
      precache: {
        ...nightlyPrecache,
        state: 'running',
        nextAt: null,
        why: 'A list is being gone through.',
        running: { startedAt: FIXTURE_NOW - 9 * 60_000, total: 120, done: 74, failed: 1, bytes: 1.2 * GIB }
      }
    },
    entries: fixtureEntries(214),
    settings: fixtureSettings()
  }),
  moving: (): FixtureAgent => ({
    snapshot: fixtureSnapshot({
      cache: {
        ...fixtureSnapshot().cache,
        dir: 'D:\\larder-cache',
        bytes: 48.9 * GIB,
        evictions: 96,
        evictedLastHour: { contents: 84, bytes: 6.1 * GIB },
        moving: { from: 'C:\\ProgramData\\Larder\\cache', done: 131, total: 214, bytes: 11.2 * GIB, problem: null }
      },
      cacheNext: 'E:\\larder'
    }),
    entries: fixtureEntries(214),
    settings: fixtureSettings()
  }),
  signedout: (): FixtureAgent => ({ snapshot: null, signedOut: true }),
  otherversion: (): FixtureAgent => ({ snapshot: null, otherVersion: true }),
  off: (): FixtureAgent => ({
    snapshot: fixtureSnapshot({
      integration: {
        enabled: false,
        by: 'Helpdesk (R. Okafor)',
        since: fixtureSnapshot().at - 26 * 3_600_000,
        reason: 'The line of the branch office is being repaired',
        managedBy: null
      }
    }),
    entries: fixtureEntries(214),
    settings: fixtureSettings()
  }),
  nofleet: (): FixtureAgent => ({
    snapshot: fixtureSnapshot({ fleet: { member: false, via: 'none', tag: null }, peers: [] }),
    entries: fixtureEntries(12),
    settings: fixtureSettings()
  })
} satisfies Record<string, () => FixtureAgent>

export type FixtureName = keyof typeof fixtures
