import type { AgentEvent } from '../../src-main/contract/events.ts'
import { errorTable, type ErrorCode } from '../../src-main/contract/errors.ts'
import type { ContentKey, PeerId, RequestId, Sha256Hex } from '../../src-main/contract/ids.ts'
import { reasonTexts, type ReasonCode, type RequestView } from '../../src-main/contract/request.ts'
import type { ProvenanceView } from '../../src-main/contract/provenance.ts'
import type { RateTableView } from '../../src-main/contract/rates.ts'
import { weekdays } from '../../src-main/contract/settings.ts'
import type {
  AgentSnapshot,
  CacheEntryDetail,
  CacheEntryView,
  MasterView,
  PeerView,
  TransferView
} from '../../src-main/contract/snapshot.ts'

/** The moment all fixtures show: 23 Nov 2026, 14:32 UTC. */
export const FIXTURE_NOW = Date.UTC(2026, 10, 23, 14, 32, 0)
const MIN = 60_000
const HOUR = 60 * MIN
export const MIB = 1024 ** 2
export const GIB = 1024 ** 3

/** Numbers in [0, 1) that are the same at each run. */
export function dice(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

export function hex64(n: number): string {
  return Array.from(
    { length: 8 },
    (_, i) => (Math.imul(n + 1, 2_654_435_761) ^ Math.imul(i + 7, 40_503 * (n + 3))) >>> 0
  )
    .map((v) => v.toString(16).padStart(8, '0'))
    .join('')
}

export const peerId = (n: number): PeerId => hex64(n + 1000) as PeerId
export const keyOf = (n: number): ContentKey => `sha256:${hex64(n)}` as ContentKey
const requestId = (n: number): RequestId => `r-${hex64(n).slice(0, 20)}` as RequestId

const files = [
  ['https://dl.vendor.example/office/OfficeSetup-16.89.msi', 612 * MIB],
  ['https://updates.vendor.example/os/2026-11/kb5061998-x64.msu', 1.42 * GIB],
  ['https://packages.corp.example/modules/inventory-agent-4.2.1.zip', 38 * MIB],
  ['https://packages.corp.example/providers/disk-health-2.0.7.tar.gz', 12.4 * MIB],
  ['https://mirror.example/linux/debian-13.2.0-amd64-netinst.iso', 754 * MIB],
  ['https://cdn.design.example/cad/CAD%20Viewer%202027%20Service%20Pack%202%20(x64,%20all%20languages).exe', 2.9 * GIB],
  ['https://packages.corp.example/scripts/remediate-bitlocker.ps1', 18 * 1024],
  ['https://fonts.corp.example/brand/brand-fonts-2026.zip', 86 * MIB],
  ['https://ml.example/models/speech-small-v3.onnx', 483 * MIB],
  ['https://drivers.vendor.example/wifi/ax211-23.80.1.exe', 61 * MIB]
] as const

const names = [
  'studio-2',
  'reception',
  'finance-07',
  'workshop-3',
  'meeting-room-oak',
  'lab-11',
  'warehouse-scanner-4',
  'marta-laptop',
  'build-server',
  'kiosk-1',
  'hr-02',
  'sales-15'
]

export function fixturePeers(count = 7): PeerView[] {
  return names.slice(0, count).map((name, i) => {
    const state = i === 5 ? 'refused' : i === 6 ? 'lost' : i === 4 ? 'connecting' : 'connected'
    return {
      id: state === 'refused' ? null : peerId(i),
      name,
      address: `10.20.4.${20 + i * 7}:4726`,
      state,
      reason:
        state === 'refused'
          ? 'It has another site key: it belongs to another fleet.'
          : state === 'lost'
            ? 'It went to sleep; its goodbye arrived.'
            : null,
      weight: state === 'refused' ? null : ([61, 50, 50, 40, 30, null, 50, 40][i] ?? 50),
      version: state === 'refused' ? null : '0.1.0',
      since: FIXTURE_NOW - (3 + i * 17) * MIN,
      receivedBytes: state === 'connected' ? (i + 1) * 211 * MIB : 0,
      servedBytes: state === 'connected' ? (7 - i) * 134 * MIB : 0,
      banned: i === 3
    } satisfies PeerView
  })
}

/** Who asks in the fixtures, by turns. */
const askers: readonly NonNullable<RequestView['askedBy']>[] = [
  { by: 'api', program: 'larder-get', user: null },
  { by: 'gateway', program: 'Wget', user: null },
  { by: 'window', program: null, user: null },
  { by: 'precache', program: null, user: null }
]

interface RequestShape extends Partial<Omit<RequestView, 'reasons'>> {
  readonly file?: number
  readonly reasons?: readonly ReasonCode[]
  readonly percent?: number
  readonly mix?: readonly [origin: number, peers: number, cache: number]
}

/** What a request in this state waits for, unless a scene says otherwise. */
export function waitingIn(state: RequestView['state']): RequestView['waitingFor'] {
  if (state === 'checking') return { what: 'version', ahead: null }
  if (state === 'waiting') return { what: 'slot', ahead: 2 }
  return state === 'paused' ? { what: 'resume', ahead: null } : null
}

export function fixtureRequest(n: number, shape: RequestShape = {}): RequestView {
  const [url, size] = files[shape.file ?? n % files.length]!
  const { file: _file, percent = 0, mix = [0.1, 0.9, 0], reasons = [], ...over } = shape
  const lengthBytes = Math.round(size)
  const haveBytes = Math.round((lengthBytes * percent) / 100)
  const originBytes = Math.round(haveBytes * mix[0])
  const peerBytes = Math.min(haveBytes - originBytes, Math.round(haveBytes * mix[1]))
  return {
    id: requestId(n),
    url,
    kind: url.endsWith('.ps1') ? 'script' : 'resource',
    priority: n % 3 === 0 ? 'background' : 'foreground',
    destination: `C:\\Users\\ana\\Downloads\\${url.split('/').at(-1)}`,
    askedBy: askers[n % askers.length]!,
    state: 'active',
    waitingFor: waitingIn(over.state ?? 'active'),
    key: keyOf(n),
    sha256: null,
    lengthBytes,
    haveBytes,
    arrivingBytes: 0,
    split: { originBytes, peerBytes, cacheBytes: haveBytes - originBytes - peerBytes },
    rateBytesPerSecond: 0,
    role: 'none',
    master: null,
    masterName: null,
    stale: false,
    verifiedBy: (over.state ?? 'active') === 'done' ? (mix[1] > 0 ? 'sample' : 'origin') : null,
    reasons: reasons.map((code, i) => ({
      code,
      text: reasonTexts[code],
      at: FIXTURE_NOW - (reasons.length - i) * MIN
    })),
    error: null,
    createdAt: FIXTURE_NOW - (2 + n) * MIN,
    finishedAt: null,
    firstByteMs: percent > 0 ? 340 : null,
    elapsedMs: (2 + n) * MIN,
    ...over
  }
}

export function fixtureTransfer(request: RequestView, over: Partial<TransferView> = {}): TransferView {
  const lengthBytes = request.lengthBytes ?? 0
  const pieceCount = Math.max(1, Math.ceil(lengthBytes / MIB))
  const havePieces = Math.floor((request.haveBytes / Math.max(1, lengthBytes)) * pieceCount)
  return {
    key: request.key!,
    url: request.url,
    lengthBytes,
    haveBytes: request.haveBytes,
    arrivingBytes: request.arrivingBytes,
    verifiedBy: null,
    sampledBytes: 0,
    pieceCount,
    havePieces,
    state: request.state === 'paused' ? 'paused' : request.state === 'waiting' ? 'queued' : 'active',
    role: request.role,
    master: request.master,
    epoch: 2,
    split: request.split,
    peers: [0.55, 0.3, 0.15].map((share, i) => ({
      peer: peerId(i),
      name: names[i]!,
      bytes: Math.round(request.split.peerBytes * share),
      pieces: Math.round((request.split.peerBytes / MIB) * share)
    })),
    rateBytesPerSecond: request.rateBytesPerSecond,
    requests: 1,
    ...over
  }
}

/** The pieces of a transfer as they lie after a while: what was kept in front, runs from peers and the origin between gaps. */
export function fixturePieces({ pieceCount, havePieces, split, state }: TransferView): string {
  const roll = dice(pieceCount)
  const have = split.originBytes + split.peerBytes + split.cacheBytes
  const kept = Math.round((split.cacheBytes / Math.max(1, have)) * havePieces)
  const share = havePieces / Math.max(1, pieceCount)
  let left = havePieces - kept
  let letter = '.'
  return Array.from({ length: pieceCount }, (_, i) => {
    if (i < kept) return 'c'
    if (left >= pieceCount - i) letter = letter === '.' || letter === 'f' ? 'p' : letter
    else if (i % 7 === kept % 7)
      letter =
        roll() < Math.min(1, 1.35 * share)
          ? roll() < split.originBytes / Math.max(1, split.originBytes + split.peerBytes)
            ? 'o'
            : 'p'
          : state === 'active' && roll() < 0.1
            ? 'f'
            : '.'
    if (letter === 'o' || letter === 'p') {
      if (left <= 0) return '.'
      left--
    }
    return letter
  }).join('')
}

export function fixtureMaster(request: RequestView, over: Partial<MasterView> = {}): MasterView {
  return {
    key: request.key!,
    url: request.url,
    coordinator: peerId(1),
    coordinatorName: 'reception',
    master: peerId(0),
    masterName: 'studio-2',
    self: false,
    finished: false,
    epoch: 2,
    since: FIXTURE_NOW - 3 * MIN,
    members: 5,
    candidates: [
      {
        id: peerId(0),
        name: 'studio-2',
        pieces: 212,
        weight: 61,
        eligible: true,
        about: 'server, cable, 2048 GiB free'
      },
      {
        id: peerId(20),
        name: 'front-desk',
        pieces: 212,
        weight: 50,
        eligible: true,
        about: 'desktop, cable, 412 GiB free'
      },
      {
        id: peerId(1),
        name: 'reception',
        pieces: 96,
        weight: 50,
        eligible: true,
        about: 'desktop, cable, 96 GiB free'
      },
      { id: peerId(7), name: 'marta-laptop', pieces: 0, weight: 0, eligible: false, about: 'laptop, VPN, battery 64 %' }
    ],
    why: 'studio-2 holds 212 pieces already, as many as front-desk, and has the higher weight (61).',
    ...over
  }
}

let eventSeq = 0
export function fixtureEvent(
  type: AgentEvent['type'],
  minutesAgo: number,
  text: string,
  over: Partial<AgentEvent> = {}
): AgentEvent {
  return { seq: ++eventSeq, at: FIXTURE_NOW - minutesAgo * MIN, type, text, ...over }
}

/** A day in the life of one agent, oldest first. */
export function fixtureEvents(): AgentEvent[] {
  eventSeq = 0
  const code = (c: ErrorCode) => ({ code: c })
  return [
    fixtureEvent('agentStarted', 380, 'Larder 0.1.0 has started on front-desk.'),
    fixtureEvent('peerConnected', 379, 'studio-2 is connected.', { peer: peerId(0), peerName: 'studio-2' }),
    fixtureEvent('peerConnected', 379, 'reception is connected.', { peer: peerId(1), peerName: 'reception' }),
    fixtureEvent('peerRefused', 371, 'lab-11 was refused: it has another site key.', {
      peerName: 'lab-11',
      ...code('PEER_REFUSED')
    }),
    fixtureEvent('requestDone', 320, 'inventory-agent-4.2.1.zip was delivered, 38 MiB, all from peers.', {
      url: files[2][0],
      bytes: files[2][1],
      ms: 1240
    }),
    fixtureEvent('contentCached', 320, 'inventory-agent-4.2.1.zip is in the cache now.', {
      url: files[2][0],
      key: keyOf(2),
      bytes: files[2][1]
    }),
    fixtureEvent(
      'fallback',
      214,
      'ax211-23.80.1.exe was downloaded from the origin: the PCs that have it were busy serving others.',
      { url: files[9][0], key: keyOf(9), reason: 'busy', bytes: 61 * MIB }
    ),
    fixtureEvent(
      'peerBanned',
      171,
      'workshop-3 sent a damaged piece of debian-13.2.0-amd64-netinst.iso and is no longer asked for it.',
      {
        url: files[4][0],
        key: keyOf(4),
        peer: peerId(3),
        peerName: 'workshop-3',
        reason: 'peer-corrupt',
        ...code('PIECE_DIGEST_MISMATCH')
      }
    ),
    fixtureEvent(
      'requestFailed',
      96,
      'speech-small-v3.onnx could not be downloaded: the origin says the file is not there.',
      { url: files[8][0], ...code('ORIGIN_NOT_FOUND') }
    ),
    fixtureEvent('integrationChanged', 62, 'Helpdesk (R. Okafor) turned the integration on.'),
    fixtureEvent('masterElected', 9, 'studio-2 was elected master of kb5061998-x64.msu.', {
      url: files[1][0],
      key: keyOf(1),
      peer: peerId(0),
      peerName: 'studio-2',
      epoch: 1
    }),
    fixtureEvent(
      'masterLost',
      4,
      'studio-2 vanished while it was master of OfficeSetup-16.89.msi; front-desk took over after 0.4 s.',
      { url: files[0][0], key: keyOf(0), peer: peerId(0), peerName: 'studio-2', epoch: 2, ms: 412 }
    ),
    fixtureEvent(
      'fallback',
      2,
      'brand-fonts-2026.zip was downloaded from the origin: no peer delivered a first byte in time.',
      { url: files[7][0], key: keyOf(7), reason: 'no-first-byte', bytes: 86 * MIB }
    )
  ]
}

export function failedRequest(n: number, code: ErrorCode, message: string, over: RequestShape = {}): RequestView {
  return fixtureRequest(n, {
    state: 'failed',
    error: { code, message, next: errorTable[code].next },
    finishedAt: FIXTURE_NOW - n * 7 * MIN,
    elapsedMs: 4200,
    ...over
  })
}

/** A PC in a fleet with nothing to do; what each fixture begins with. */
export function fixtureSnapshot(over: Partial<AgentSnapshot> = {}): AgentSnapshot {
  return {
    agentId: peerId(20),
    name: 'front-desk',
    bootId: '9f2c0a71d4e6b835',
    seq: 1,
    at: FIXTURE_NOW,
    version: '0.1.0',
    apiVersion: 1,
    state: 'running',
    startedAt: FIXTURE_NOW - 380 * MIN,
    integration: {
      enabled: true,
      by: 'Helpdesk (R. Okafor)',
      since: FIXTURE_NOW - 62 * MIN,
      reason: null,
      managedBy: null
    },
    paused: null,
    servingStopped: null,
    rates: {
      caps: { wanForeground: null, wanBackground: null, lanForeground: null, lanBackground: null, upload: null },
      scheduled: false,
      adaptive: { enabled: false, targetMs: 60, origins: [] },
      uploads: { month: '2026-11', bytes: 31.4 * GIB, limitBytes: null, allowed: true }
    },
    fleet: { member: true, via: 'site-key', tag: '7c1f9a' },
    hub: { hubs: [], serving: null },
    ports: { api: 4725, peer: 4726, beacon: 4726 },
    weight: { value: 50, why: 'is a desktop', machine: 'desktop, cable, 412 GiB free, processors 7 % busy' },
    interfaces: [
      { name: 'Ethernet', address: '10.20.4.31/24', used: true, reason: null },
      { name: 'Wi-Fi', address: '10.20.9.118/22', used: true, reason: null },
      { name: 'Corp VPN', address: '172.16.31.7/20', used: false, reason: 'VPN: peers there are not on this site.' }
    ],
    peers: fixturePeers(),
    masters: [],
    transfers: [],
    requests: [],
    uploads: [],
    cache: {
      dir: 'C:\\ProgramData\\Larder\\cache',
      entries: 214,
      bytes: 18.6 * GIB,
      partialBytes: 412 * MIB,
      maxBytes: 50 * GIB,
      minFreeBytes: 2 * GIB,
      maxAgeMs: null,
      freeBytes: 181 * GIB,
      pinned: 6,
      evictions: 12,
      evictedLastHour: { contents: 3, bytes: 410 * MIB },
      moving: null,
      diskFull: false
    },
    cacheNext: null,
    precache: { state: 'off', list: null, why: 'No list is set.', nextAt: null, running: null, last: null },
    traffic: { originBytes: 0, peerBytes: 0, servedBytes: 0 },
    totals: {
      originBytes: 2.1 * GIB,
      peerBytes: 11.4 * GIB,
      cacheBytes: 3.2 * GIB,
      servedBytes: 7.9 * GIB,
      sampledBytes: 0,
      verified: { digest: 0, origin: 0, sample: 0, members: 0 },
      fallbacks: 2,
      bypassed: 0,
      discardedBytes: 0
    },
    savings: {
      today: {
        originBytes: 2.1 * GIB,
        peerBytes: 11.4 * GIB,
        cacheBytes: 3.2 * GIB,
        servedBytes: 7.9 * GIB,
        savedShare: 14.6 / 16.7
      },
      days7: {
        originBytes: 9 * GIB,
        peerBytes: 42 * GIB,
        cacheBytes: 9 * GIB,
        servedBytes: 31 * GIB,
        savedShare: 0.85
      },
      days28: {
        originBytes: 30 * GIB,
        peerBytes: 140 * GIB,
        cacheBytes: 30 * GIB,
        servedBytes: 112 * GIB,
        savedShare: 0.85
      }
    },
    process: { pid: 4120, eventLoopP99Ms: 6.2, rssBytes: 148 * MIB, cpuSeconds: 341 },
    events: fixtureEvents(),
    ...over
  }
}

/** One download from peers, half done. */
export function oneDownload(): AgentSnapshot {
  const request = fixtureRequest(0, {
    percent: 52,
    mix: [0.14, 0.81, 0.05],
    rateBytesPerSecond: 48.2 * MIB,
    role: 'follower',
    master: peerId(0),
    masterName: 'studio-2'
  })
  return fixtureSnapshot({
    requests: [request],
    transfers: [fixtureTransfer(request)],
    masters: [fixtureMaster(request)],
    uploads: [
      { peer: peerId(1), peerName: 'reception', key: keyOf(0), pieces: 16, bytes: 16 * MIB, since: FIXTURE_NOW - 4000 }
    ]
  })
}

/** An afternoon of everything that can be seen. */
export function everyday(): AgentSnapshot {
  const requests = [
    fixtureRequest(0, {
      percent: 52,
      mix: [0.14, 0.81, 0.05],
      rateBytesPerSecond: 48.2 * MIB,
      role: 'follower',
      master: peerId(0),
      masterName: 'studio-2'
    }),
    fixtureRequest(1, {
      percent: 23,
      mix: [0.88, 0.12, 0],
      rateBytesPerSecond: 9.7 * MIB,
      role: 'master',
      master: peerId(20),
      masterName: 'front-desk',
      reasons: ['elected']
    }),
    fixtureRequest(5, {
      percent: 71,
      mix: [0.3, 0.7, 0],
      state: 'paused',
      role: 'follower',
      master: peerId(1),
      masterName: 'reception'
    }),
    fixtureRequest(4, { percent: 0, state: 'waiting' }),
    fixtureRequest(7, {
      percent: 34,
      mix: [1, 0, 0],
      rateBytesPerSecond: 3.1 * MIB,
      role: 'direct',
      reasons: ['no-first-byte']
    }),
    fixtureRequest(2, {
      percent: 100,
      mix: [0, 1, 0],
      state: 'done',
      role: 'follower',
      finishedAt: FIXTURE_NOW - 320 * MIN,
      elapsedMs: 1240,
      sha256: hex64(2) as Sha256Hex
    }),
    fixtureRequest(3, {
      percent: 100,
      mix: [0, 0, 1],
      state: 'done',
      reasons: ['cached'],
      finishedAt: FIXTURE_NOW - 190 * MIN,
      elapsedMs: 90,
      sha256: hex64(3) as Sha256Hex
    }),
    fixtureRequest(9, {
      percent: 100,
      mix: [1, 0, 0],
      state: 'done',
      role: 'direct',
      reasons: ['busy'],
      finishedAt: FIXTURE_NOW - 214 * MIN,
      elapsedMs: 8 * MIN,
      sha256: hex64(9) as Sha256Hex
    }),
    failedRequest(8, 'ORIGIN_NOT_FOUND', 'ml.example answered 404 for speech-small-v3.onnx'),
    fixtureRequest(6, { state: 'cancelled', percent: 40, finishedAt: FIXTURE_NOW - 26 * HOUR })
  ]
  const running = requests.filter((r) => ['active', 'paused', 'waiting'].includes(r.state))
  return fixtureSnapshot({
    rates: officeRates,
    precache: nightlyPrecache,
    requests,
    transfers: running.map((r) => fixtureTransfer(r)),
    masters: [
      fixtureMaster(requests[0]!),
      fixtureMaster(requests[1]!, {
        master: peerId(20),
        masterName: 'front-desk',
        self: true,
        epoch: 1,
        since: FIXTURE_NOW - 9 * MIN,
        why: 'front-desk has the highest weight of those that hold no pieces yet.'
      }),
      fixtureMaster(requests[2]!, {
        master: peerId(1),
        masterName: 'reception',
        epoch: 3,
        members: 2,
        candidates: [],
        coordinator: peerId(2),
        coordinatorName: 'finance-07',
        why: 'reception kept its lease; finance-07 coordinates.'
      })
    ],
    uploads: [
      { peer: peerId(1), peerName: 'reception', key: keyOf(1), pieces: 16, bytes: 16 * MIB, since: FIXTURE_NOW - 4000 },
      { peer: peerId(2), peerName: 'finance-07', key: keyOf(1), pieces: 8, bytes: 8 * MIB, since: FIXTURE_NOW - 2000 },
      { peer: peerId(0), peerName: 'studio-2', key: keyOf(5), pieces: 32, bytes: 32 * MIB, since: FIXTURE_NOW - 9000 }
    ]
  })
}

/** Caps by the hours of an office, as the everyday agent has them. */
export const officeRates: AgentSnapshot['rates'] = {
  caps: { wanForeground: null, wanBackground: 2 * MIB, lanForeground: null, lanBackground: null, upload: 12 * MIB },
  scheduled: true,
  adaptive: {
    enabled: true,
    targetMs: 60,
    origins: [{ origin: 'https://updates.vendor.example', windowBytes: 384 * 1024, queueingDelayMs: 84, downloads: 1 }]
  },
  uploads: { month: '2026-11', bytes: 31.4 * GIB, limitBytes: null, allowed: true }
}

/** Those caps from 8 to 18 on working days; it is Monday, 15:32. */
export function fixtureRateTable(caps: AgentSnapshot['rates']['caps']): RateTableView {
  const none: typeof caps = {
    wanForeground: null,
    wanBackground: null,
    lanForeground: null,
    lanBackground: null,
    upload: null
  }
  return {
    now: { day: 'mon', hour: 15 },
    days: weekdays.map((day, d) => ({
      day,
      hours: Array.from({ length: 24 }, (_, hour) => (d < 5 && hour >= 8 && hour < 18 ? caps : none))
    }))
  }
}

/** A list that is gone through at night. */
export const nightlyPrecache: AgentSnapshot['precache'] = {
  state: 'waiting',
  list: 'https://larder.corp.example/lists/office-standard.json',
  why: 'It is not the time for it.',
  nextAt: FIXTURE_NOW + 5.5 * HOUR - 2 * MIN,
  running: null,
  last: {
    startedAt: FIXTURE_NOW - 18 * HOUR,
    endedAt: FIXTURE_NOW - 17.2 * HOUR,
    total: 120,
    done: 118,
    present: 96,
    bytes: 1.9 * GIB,
    failed: [
      {
        url: 'https://dl.vendor.example/office/proofing-tools-16.89.msi',
        code: 'ORIGIN_NOT_FOUND',
        message: 'dl.vendor.example answered 404 for proofing-tools-16.89.msi'
      },
      {
        url: 'https://drivers.vendor.example/printer/universal-7.1.exe',
        code: 'DIGEST_MISMATCH',
        message: 'The file is not the one the list names: its SHA-256 differs.'
      }
    ],
    end: 'complete'
  }
}

/** Whom a content was served to, most bytes first. */
export function fixtureServedTo({ servedBytes }: Pick<CacheEntryView, 'servedBytes'>): CacheEntryDetail['servedTo'] {
  if (servedBytes === 0) return []
  return [0.42, 0.27, 0.16, 0.09, 0.06].map((share, i) => ({
    peer: peerId(i),
    name: names[i]!,
    bytes: Math.round(servedBytes * share),
    lastAt: FIXTURE_NOW - i * HOUR
  }))
}

/** `count` requests, each with its transfer, most of them running. */
export function busy(count = 500, running = count): AgentSnapshot {
  const roll = dice(42)
  const requests = Array.from({ length: count }, (_, n) => {
    const at = roll()
    if (at < 0.05) return failedRequest(n, 'ORIGIN_UNREACHABLE', 'The origin could not be reached: connection refused')
    if (at < 0.15 && n < running) return fixtureRequest(n, { state: 'waiting', createdAt: FIXTURE_NOW - n * 9000 })
    if (at < 0.3 || n >= running)
      return fixtureRequest(n, {
        state: 'done',
        percent: 100,
        mix: [roll() * 0.2, 0.8, 0],
        finishedAt: FIXTURE_NOW - n * 11_000
      })
    const role = roll() < 0.2 ? 'master' : 'follower'
    return fixtureRequest(n, {
      percent: Math.round(roll() * 98) + 1,
      mix: role === 'master' ? [0.9, 0.1, 0] : [0.05, 0.9, 0.05],
      rateBytesPerSecond: roll() * 12 * MIB,
      role,
      master: peerId(n % 4),
      masterName: role === 'master' ? 'front-desk' : names[n % 4]!,
      createdAt: FIXTURE_NOW - n * 9000
    })
  })
  return fixtureSnapshot({
    requests,
    transfers: requests.filter((r) => r.state === 'active' || r.state === 'waiting').map((r) => fixtureTransfer(r)),
    masters: requests
      .filter((r) => r.state === 'active')
      .slice(0, 120)
      .map((r) => fixtureMaster(r)),
    uploads: Array.from({ length: 8 }, (_, i) => ({
      peer: peerId(i % 4),
      peerName: names[i % 4]!,
      key: keyOf(i),
      pieces: 8,
      bytes: 8 * MIB,
      since: FIXTURE_NOW - i * 900
    })),
    cache: { ...fixtureSnapshot().cache, entries: 10_000, bytes: 46.8 * GIB, pinned: 42, evictions: 812 }
  })
}

/** Many downloads at once on a line of 150 KiB/s: as many run as there are slots, one of them has no byte yet; the rest waits. */
export function queue(count = 30, slots = 6): AgentSnapshot {
  const requests = Array.from({ length: count }, (_, n) =>
    fixtureRequest(n, {
      priority: 'foreground',
      role: 'master',
      reasons: ['no-peers'],
      createdAt: FIXTURE_NOW - MIN + n * 10,
      ...(n < slots
        ? {
            percent: n,
            mix: [1, 0, 0] as const,
            arrivingBytes: 300 * 1024,
            rateBytesPerSecond: 25 * 1024
          }
        : { state: 'waiting' as const, waitingFor: { what: 'slot' as const, ahead: n - slots } })
    })
  )
  return fixtureSnapshot({
    requests,
    transfers: requests.map((r) => fixtureTransfer(r)),
    masters: requests.slice(0, slots).map((r) => fixtureMaster(r)),
    peers: [],
    uploads: []
  })
}

/** The next tenth of a second of a busy agent: active requests get on. */
export function stepOf(snapshot: AgentSnapshot): AgentSnapshot {
  const requests = snapshot.requests.map((r) => {
    if (r.state !== 'active' || r.lengthBytes === null) return r
    const more = Math.min(r.lengthBytes - r.haveBytes, Math.round(r.rateBytesPerSecond / 10))
    if (more <= 0) return { ...r, haveBytes: 0, split: { originBytes: 0, peerBytes: 0, cacheBytes: 0 } }
    const fromOrigin = r.role === 'follower' ? 0 : more
    return {
      ...r,
      haveBytes: r.haveBytes + more,
      split: {
        ...r.split,
        originBytes: r.split.originBytes + fromOrigin,
        peerBytes: r.split.peerBytes + more - fromOrigin
      },
      elapsedMs: r.elapsedMs + 100
    }
  })
  const byKey = new Map(requests.map((r) => [r.key, r]))
  const transfers = snapshot.transfers.map((t) => {
    const r = byKey.get(t.key)
    return r === undefined
      ? t
      : {
          ...t,
          haveBytes: r.haveBytes,
          split: r.split,
          havePieces: Math.floor((r.haveBytes / Math.max(1, r.lengthBytes ?? 1)) * t.pieceCount)
        }
  })
  const rate = (role: string) =>
    requests
      .filter((r) => r.state === 'active' && (r.role === 'follower') === (role === 'follower'))
      .reduce((sum, r) => sum + r.rateBytesPerSecond, 0) / 10
  const wave = 0.75 + 0.25 * Math.sin(snapshot.seq / 23) * Math.cos(snapshot.seq / 7)
  const { totals, traffic } = snapshot
  return {
    ...snapshot,
    seq: snapshot.seq + 1,
    at: snapshot.at + 100,
    requests,
    transfers,
    traffic: {
      originBytes: traffic.originBytes + rate('origin') * wave,
      peerBytes: traffic.peerBytes + rate('follower') * wave,
      servedBytes: traffic.servedBytes + snapshot.uploads.length * 0.5 * MIB * (1.6 - wave)
    },
    totals: {
      ...totals,
      originBytes: totals.originBytes + rate('origin') * wave,
      peerBytes: totals.peerBytes + rate('follower') * wave,
      servedBytes: totals.servedBytes + snapshot.uploads.length * 0.5 * MIB * (1.6 - wave)
    }
  }
}

const fixtureVerifiedBy = (n: number) =>
  (['digest', 'origin', 'sample', 'origin', 'members', 'sample', 'digest', 'digest'] as const)[n % 8]!

function fixtureProvenance(n: number, url: string): ProvenanceView {
  const scheme = n % 5 === 3 ? 'http' : 'https'
  return {
    verifiedBy: fixtureVerifiedBy(n),
    source: {
      url: url.replace('https:', `${scheme}:`),
      scheme,
      address: '203.0.113.24',
      at: FIXTURE_NOW - n * 31 * MIN,
      issuer: scheme === 'http' ? null : 'C=DE, O=Corp Trust Services, CN=Corp Issuing CA 3',
      network: null
    },
    signers: fixtureVerifiedBy(n) === 'origin' ? [peerId(20)] : [peerId(n % 3), ...(n % 4 === 0 ? [] : [peerId(50)])]
  }
}

/** `count` cache entries, newest use first. */
export function fixtureEntries(count: number): CacheEntryView[] {
  const roll = dice(7)
  return Array.from({ length: count }, (_, n) => {
    const [url, size] = files[n % files.length]!
    const dot = url.lastIndexOf('.')
    const own = n < files.length ? url : `${url.slice(0, dot)}-b${n}${url.slice(dot)}`
    return {
      sha256: hex64(n) as Sha256Hex,
      verifiedBy: fixtureVerifiedBy(n),
      provenances: [fixtureProvenance(n, own)],
      lengthBytes: Math.round(size * (0.2 + roll())),
      urls: n % 9 === 4 ? [own, own.replace('https://', 'https://mirror-2.')] : [own],
      kind: url.endsWith('.ps1') ? 'script' : 'resource',
      pinned: n % 17 === 2,
      pinnedUntil: n % 34 === 2 ? FIXTURE_NOW + 30 * 24 * HOUR : null,
      priority: n % 17 === 2 ? 'high' : url.endsWith('.ps1') ? 'low' : 'normal',
      createdAt: FIXTURE_NOW - n * 31 * MIN - roll() * HOUR,
      lastUsedAt: FIXTURE_NOW - n * 13 * MIN,
      hits: Math.floor(roll() * 40),
      servedBytes: Math.round(size * Math.floor(roll() * 6))
    }
  })
}

/** A PC of one subnet of four, with a hub: it passes on what another subnet downloads. */
export function manySubnets(): AgentSnapshot {
  const base = oneDownload()
  const far = ['pc-7', 'lab-12', 'front-desk'].map((name, i): PeerView => ({
    ...fixturePeers(1)[0]!,
    id: peerId(60 + i),
    name,
    address: `10.20.${5 + i}.12:4726`,
    far: true,
    subnet: `10.20.${5 + i}.0/24`
  }))
  const [first] = base.transfers
  return {
    ...base,
    peers: [...base.peers, ...far],
    transfers: first
      ? [{ ...first, site: { phase: 'relaying', from: { name: 'pc-7', subnet: '10.20.5.0/24', had: false } } }]
      : [],
    hub: {
      hubs: [
        {
          url: 'larder://hub.corp.example:4726',
          id: peerId(70),
          state: 'connected',
          reason: null,
          name: 'hub-bremen',
          site: 'Bremen',
          since: FIXTURE_NOW - 9 * HOUR
        },
        {
          url: 'https://proxy.corp.example/Background/larder/',
          id: null,
          state: 'lost',
          reason: 'does not answer its proxy (502)',
          name: null,
          site: null,
          since: FIXTURE_NOW - 12 * MIN
        }
      ],
      serving: null
    }
  }
}
