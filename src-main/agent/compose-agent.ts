import { Distrust } from '../transfers/verify/distrust.ts'
import { networksOf } from '../machine/networks.ts'
import { join } from 'node:path'
import type { CacheLimits } from '../cache/cache-limits.ts'
import { openCache } from '../cache/open-cache.ts'
import type { RequestView } from '../contract/request.ts'
import type { Settings } from '../contract/settings.ts'
import { LARDER_VERSION } from '../contract/version.ts'
import { AwakeClock } from '../lib/awake-clock.ts'
import { dataPaths } from '../lib/data-paths.ts'
import { LarderError } from '../lib/errors.ts'
import { localClock } from '../lib/local-time.ts'
import type { PartStack } from '../lib/part-stack.ts'
import { recently } from '../lib/recently.ts'
import { MachineWatch, systemMachineProbes } from '../machine/machine-watch.ts'
import { weightRulesOf } from '../machine/weigh-machine.ts'
import { connectProbe } from '../origin/connect-probe.ts'
import { lazyOriginClient } from '../origin/lazy-origin-client.ts'
import { createHashPool } from '../pieces/hash-pool.ts'
import { PieceBuffers } from '../pieces/piece-buffers.ts'
import { BegunFiles } from '../placing/begun-files.ts'
import { Rates } from '../rates/rates.ts'
import { UploadCount } from '../rates/upload-count.ts'
import type { LiveSettings } from '../settings/live-settings.ts'
import type { AgentHost } from './agent.ts'
import type { AgentParts } from './agent-parts.ts'
import { requireIntegration } from './asked.ts'
import { tellCacheEvents } from './cache-care.ts'
import { CachePlace } from './cache-place.ts'
import type { EventLog } from './event-log.ts'
import { Deliveries } from './deliveries.ts'
import { History } from './history.ts'
import { tellSettings } from './tell-settings.ts'
import { openHub } from './open-hub.ts'
import { openPeers, passOn, tellPeerEvents } from './open-peers.ts'
import { openPrecache, type PrecacheWorld } from './open-precache.ts'
import { openUpdates } from './open-updates.ts'
import { openTransfers, type OpenTransfers } from './open-transfers.ts'
import { PauseSwitch } from './pause-switch.ts'
import { SavingsMeter } from './savings.ts'
import { Serving } from './serving.ts'
import { byteTotals } from './snapshot.ts'
import { VitalSigns } from './vital-signs.ts'

/** What an agent is made of and for. */
export interface Composition {
  readonly dataDir: string
  readonly name: string
  readonly settings: LiveSettings
  readonly host: AgentHost
  readonly events: EventLog
  /** Where every part is made. */
  readonly stack: PartStack
  /** As pre-caching sees it. */
  readonly agent: PrecacheWorld['agent']
  /** Something a snapshot shows has changed. */
  changed(): void
  /** Before anything is told. */
  historyOpened(history: History): void
  requestChanged(view: RequestView): void
  /** The process stood still for this long. */
  woke(ms: number): void
  /** All transfers are to pause, or to go on. */
  turnedPause(paused: boolean): void
  /** The time for which this PC serves nobody is over. */
  servingDue(): void
  weightChanged(): void
}

/**
 * Builds the layers from the bottom, each on the stack that will take it down. What acts by itself, by the clock, is begun by the caller
 * when all are there.
 */
export async function composeAgent(made: Composition): Promise<AgentParts> {
  const { dataDir, events, stack, changed } = made
  const { clock, env, log, timeZone, machine: probes = systemMachineProbes() } = made.host
  const live = made.settings
  const settings = live.current
  const local = localClock(timeZone)
  // For whatever waits for others; what goes by the clock on the wall keeps the time of the machine.
  const awake = await stack.own(
    'awake clock',
    () => new AwakeClock(clock, ({ ms }) => made.woke(ms)),
    (a) => a.stop()
  )
  const history = await stack.own(
    'history',
    () => History.open(dataDir, clock),
    (h) => h.close()
  )
  made.historyOpened(history)
  const deliveries = await stack.own(
    'deliveries',
    () => Deliveries.open(dataDir, clock),
    (d) => d.close()
  )
  const pause = await stack.own(
    'pause',
    () => PauseSwitch.open(dataDir, clock, (paused) => made.turnedPause(paused)),
    (p) => p.close()
  )
  const uploads = await stack.own(
    'upload count',
    () => UploadCount.open(join(dataDir, 'uploads.json'), clock, local),
    (u) => u.close()
  )
  const rates = await stack.own(
    'rates',
    () => new Rates({ clock, localClock: local, settings: settings.rates, uploads, probe: connectProbe, changed }),
    (r) => r.close()
  )
  const vitals = await stack.own(
    'vital signs',
    () =>
      new VitalSigns({
        turned: (atWork) => peers.network.watchClosely(atWork),
        goesOn: () => opened?.requests.unfinished().some(({ paused }) => !paused) ?? false
      }),
    (v) => v.stop()
  )
  const place = await CachePlace.open(dataDir, settings.cache.dir)
  const hashes = await stack.own(
    'hash workers',
    () => createHashPool({ workers: 2 }),
    (h) => h.close()
  )
  const cache = await stack.own(
    'cache',
    () => openCache({ ...settings.cache, dir: place.dir, clock, hashes }),
    (c) => c.close()
  )
  const origin = await stack.own(
    'origin connections',
    () =>
      lazyOriginClient({
        clock: awake,
        settings: settings.origin,
        sharedAnyway: settings.sharing,
        env,
        systemProxy: made.host.systemProxy,
        userAgent: `larder/${LARDER_VERSION} (agent)`,
        rates
      }),
    (o) => o.close()
  )
  const buffers = await stack.own(
    'piece buffers',
    () => new PieceBuffers(clock),
    (b) => b.clear()
  )
  const machine = await stack.own(
    'machine watch',
    () =>
      new MachineWatch(
        clock,
        probes,
        () => weightRulesOf(live.current),
        () => cache.stats().freeBytes
      ),
    (m) => m.stop()
  )
  await machine.start()
  const serving = await stack.own(
    'serving',
    () => new Serving({ clock, machine, rates }, () => made.servingDue()),
    (s) => s.close()
  )
  let opened: OpenTransfers | undefined
  const savings = await stack.own(
    'savings',
    () => new SavingsMeter(clock, cache.savings, () => byteTotals(opened)),
    (s) => s.stop()
  )
  const distrust = await stack.own(
    'distrust',
    () => Distrust.open(join(dataDir, 'distrust.json'), clock),
    (d) => d.close()
  )
  const peers = await openPeers(
    {
      distrust,
      members: () => cache.members,
      dataDir,
      name: made.name,
      settings,
      machine,
      serving,
      rates,
      buffers,
      clock: awake,
      log,
      env,
      systemProxy: made.host.systemProxy,
      shared: () => transfers
    },
    stack
  )
  const { network, claims } = peers
  network.watchClosely(false)
  const hub = await openHub(
    {
      clock: awake,
      network,
      rates,
      settings: () => live.current,
      events,
      changed,
      shared: () => transfers,
      keeping: { hashes, buffers, dataDir },
      totals: () => {
        const { originBytes, peerBytes, cacheBytes } = savings.read().days28
        return { originBytes, peerBytes, cacheBytes, failed: events.count('requestFailed') }
      }
    },
    stack
  )
  const begunFiles = await BegunFiles.open(dataPaths(dataDir).begunFiles)
  void begunFiles.sweep()
  const { transfers, requests, readings, originSlots, discardedBytes, traffic, dropRecalled } = (opened =
    await openTransfers(
      {
        clock: awake,
        settings: live,
        cache,
        origin,
        buffers,
        rates,
        networks: networksOf(recently(probes.listing, 1000)),
        distrust,
        deliveries,
        serving,
        peers,
        site: hub.site,
        begunFiles,
        changed,
        worked: () => vitals.noteWork(),
        events,
        requestChanged: (view) => made.requestChanged(view)
      },
      stack
    ))
  const precache = await stack.own(
    'pre-caching',
    () =>
      openPrecache({
        agent: made.agent,
        cache,
        origin,
        events,
        clock,
        localClock: local,
        dataDir,
        settings: settings.precache,
        requireIntegration: () => requireIntegration(live),
        onBattery: () => machine.onBattery,
        changed
      }),
    (p) => p.close()
  )
  const { installer } = made.host
  const updates =
    installer &&
    (await stack.own(
      'updates',
      () => openUpdates({ agent: made.agent, cache, origin, events, clock, dataDir, installer }),
      (u) => u.close()
    ))
  passOn(peers, transfers)
  tellPeerEvents(network, events)
  tellCacheEvents(cache, events)
  network.on('changed', changed)
  cache.on('changed', changed)
  for (const event of ['evicted', 'removed', 'quarantined'] as const)
    cache.on(event, () => hub.site.cacheShrank((key) => cache.findByKey(key) !== undefined))
  claims.setMachine({ weight: machine.weight.value, about: machine.weight.machine })
  hub.claims.setMachine({ weight: machine.weight.value, about: machine.weight.machine })
  machine.on('changed', ({ value, why }) => {
    made.weightChanged()
    events.add('weightChanged', `The weight of this PC is ${value} now: it ${why}.`)
  })
  claims.start()
  dropRecalled()
  await network.start()
  const applyLimits = (limits: CacheLimits) =>
    void cache
      .setLimits(limits)
      .then(changed)
      .catch((error: unknown) =>
        events.add('warning', `The limits of the cache could not be applied: ${LarderError.from(error).message}`)
      )
  // From what the parts were made with: a change while they were made is one of theirs, too.
  const follow = <T>(select: (s: Settings) => T, apply: (value: T) => void) => live.follow(select, apply, settings)
  await stack.own(
    'settings in force',
    () => [
      follow(
        (s) => s.transfers.originConcurrency,
        (slots) => void (originSlots.count = slots)
      ),
      follow(
        (s) => s.rates,
        (caps) => rates.configure(caps)
      ),
      follow(
        (s) => s.precache,
        (list) => precache.configure(list)
      ),
      follow(
        (s) => s.updates,
        (rules) => updates?.configure(rules)
      ),
      follow(
        (s) => s.sharing.recalls,
        () => dropRecalled()
      ),
      follow(
        (s) => s.hub,
        (rules) => network.configureHubs(rules)
      ),
      follow(limitsOf, applyLimits),
      follow(weightRulesOf, () => machine.refresh()),
      tellSettings(live, (type, text, facts) => events.add(type, text, facts), changed)
    ],
    (ends) => ends.forEach((end) => end())
  )
  return {
    history,
    traffic,
    precache,
    hashes,
    place,
    cache,
    origin,
    network,
    claims,
    hub,
    transfers,
    requests,
    discardedBytes,
    readings,
    pause,
    rates,
    vitals,
    machine,
    savings,
    serving,
    updates
  }
}

export function limitsOf({ cache: { maxBytes, maxDiskPercent, minFreeBytes, maxAgeDays } }: Settings): CacheLimits {
  return { maxBytes, maxDiskPercent, minFreeBytes, maxAgeDays }
}
