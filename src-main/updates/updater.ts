import type { AgentEventType } from '../contract/events.ts'
import { errorTable, type ErrorCode } from '../contract/errors.ts'
import type { Settings } from '../contract/settings.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import { MachineRun } from '../lib/machine-run.ts'
import { WallAlarm } from '../lib/wall-alarm.ts'
import { judgeManifest, type Offer } from './judge-manifest.ts'
import { readManifest, type PackageForm, type ReleasePackage } from './manifest.ts'
import {
  beginning,
  step,
  type Outcome,
  type UpdateEffect,
  type UpdateEvent,
  type UpdateMemory,
  type UpdatePhase
} from './update-machine.ts'

const HOUR_MS = 3600_000
/** After a start, so that peers are found first and PCs that are switched on together do not ask together. */
const FIRST_LOOK_MS = 60_000
const FIRST_LOOK_SPREAD_MS = 10 * 60_000

/** How packages get onto this PC: what lies between the agent and the installer. */
export interface InstallerDoor {
  readonly form: PackageForm
  /** Whose signatures the installer believes. */
  readonly keys: readonly string[]
  /** It comes back to the release before when the new one is worse, and wants that package as well. */
  readonly goesBack: boolean
  /** What was handed over lies ready and waits for a good moment. */
  isWaiting(): boolean
  /** What the installer has done last; null: nothing yet. */
  outcome(): Promise<Outcome | null>
  /** Calls back when there may be another outcome. @returns how to end it */
  watch(onChange: () => void): () => void
  /** Gives a manifest and the packages it names to the installer. */
  handOver(manifest: Uint8Array, packages: readonly FetchedPackage[]): Promise<void>
  /** Takes away what was given. */
  clear(): Promise<void>
}

/** A verified package in the cache. */
export interface FetchedPackage {
  readonly about: ReleasePackage
  /** Its bytes, in order. */
  chunks(): AsyncIterable<Uint8Array>
}

export interface UpdaterWorld {
  readonly clock: Clock
  readonly version: string
  readonly arch: ReleasePackage['arch']
  readonly door: InstallerDoor
  readonly random: () => number
  /** What outlives the agent. */
  readonly memory: UpdateMemory
  remember(memory: UpdateMemory): Promise<void>
  /** The manifest, straight from its origin. */
  readManifest(url: string, signal: AbortSignal): Promise<Uint8Array>
  /** Gets a package into the cache, through peers as any other download. */
  fetch(url: string, about: ReleasePackage, signal: AbortSignal): Promise<FetchedPackage>
  tell(type: AgentEventType, text: string, facts?: { readonly code: ErrorCode }): void
}

/** Looks for new releases and gives them to the installer, as `update-machine` decides. */
export class Updater {
  readonly #world: UpdaterWorld
  readonly #run: MachineRun<ReturnType<typeof beginning>, UpdateEvent, UpdateEffect>
  readonly #turn: WallAlarm
  #settings: Settings['updates'] | null = null
  #looks: Timer[] = []
  #work = new AbortController()
  #unwatch: (() => void) | null = null
  #manifest: Uint8Array | null = null
  #packages: readonly FetchedPackage[] = []
  #kept: readonly string[] = []
  #saved: Promise<void> = Promise.resolve()

  constructor(world: UpdaterWorld) {
    this.#world = world
    this.#turn = new WallAlarm(world.clock, () => this.#run.happened({ type: 'turnCame' }))
    this.#run = new MachineRun(beginning(world.memory), step, (effect) => this.#perform(effect))
  }

  get phase(): UpdatePhase {
    return this.#run.state.phase
  }

  /** Other settings; the first call begins. */
  configure(settings: Settings['updates']): void {
    if (JSON.stringify(settings) === JSON.stringify(this.#settings)) return
    this.#settings = settings
    for (const look of this.#looks) look.cancel()
    this.#run.happened({ type: 'turnedOff' })
    this.#unwatch?.()
    this.#unwatch = null
    this.#looks = []
    // Also while it is off: what became of a release that was handed over before.
    void this.#readOutcome()
    if (!settings.enabled) return
    const { clock, random, door } = this.#world
    this.#unwatch = door.watch(() => void this.#readOutcome())
    this.#looks = [
      clock.after(FIRST_LOOK_MS + random() * FIRST_LOOK_SPREAD_MS, () => this.look()),
      clock.every(settings.everyHours * HOUR_MS, () => this.look())
    ]
  }

  /** Looks for a new release now. */
  look(): void {
    if (this.#settings?.enabled && !this.#world.door.isWaiting())
      this.#run.happened({ type: 'lookDue', nowMs: this.#world.clock.monotonicMs() })
  }

  async close(): Promise<void> {
    for (const look of this.#looks) look.cancel()
    this.#turn.set(null)
    this.#unwatch?.()
    this.#work.abort(new LarderError('SHUTTING_DOWN', 'The agent is stopping'))
    await this.#saved
  }

  #perform(effect: UpdateEffect): void {
    const { tell } = this.#world
    switch (effect.do) {
      case 'look':
        return this.#attempt(() => this.#lookNow())
      case 'waitUntil':
        return this.#turn.set(effect.wallMs)
      case 'fetch':
        return this.#attempt((signal) => this.#fetchNow(effect.offer, signal))
      case 'handOver':
        return this.#attempt(() => this.#world.door.handOver(this.#manifest!, this.#packages))
      case 'dropAll':
        return this.#dropAll()
      case 'remember':
        this.#saved = this.#saved.then(() => this.#world.remember(effect.memory)).catch(() => {})
        return
      case 'tellFound':
        return tell('updateFound', `Larder ${effect.version} is out; this PC's turn comes ${at(effect.atWallMs)}.`)
      case 'tellRefused':
        return tell(
          'updateRefused',
          `An update was not installed: ${ended(effect.error.message)} ${effect.error.next}`,
          {
            code: effect.error.code
          }
        )
      case 'tellOutcome':
        return this.#tellOutcome(effect.outcome)
    }
  }

  #tellOutcome({ result, version, from, why, code }: Outcome): void {
    const { tell } = this.#world
    const facts = { code: code ?? 'UPDATE_FAILED' } as const
    if (result === 'installed') return tell('updateInstalled', `Larder was updated from ${from} to ${version}.`)
    if (result === 'rolled-back')
      return tell(
        'updateRolledBack',
        `Larder ${version} was taken back, ${from} is installed again: ${ended(why)}`,
        facts
      )
    if (result === 'stuck')
      return tell(
        'updateStuck',
        `Larder ${version} has to go and ${from} cannot be installed again yet: ${ended(why)} ${errorTable.UPDATE_STUCK.next}`,
        { code: 'UPDATE_STUCK' }
      )
    tell('updateRefused', `The installer has refused Larder ${version}: ${ended(why)}`, facts)
  }

  #dropAll(): void {
    this.#turn.set(null)
    this.#work.abort(new LarderError('CANCELLED', 'The update is no longer wanted'))
    this.#work = new AbortController()
    this.#packages = []
    void this.#world.door.clear().catch(() => {})
  }

  /** Carries out one step; what goes wrong is an event, unless nobody wants it any more. */
  #attempt(work: (signal: AbortSignal) => Promise<void>): void {
    const { signal } = this.#work
    work(signal).catch((error: unknown) => {
      if (!signal.aborted) this.#run.happened({ type: 'failed', error: LarderError.from(error).toView() })
    })
  }

  async #lookNow(): Promise<void> {
    const { signal } = this.#work
    const { channel, manifestUrl, spreadHours, delayHours } = this.#settings!
    const { clock, random, version, arch, door } = this.#world
    const { keys } = door
    if (manifestUrl === null || keys.length === 0)
      throw new LarderError(
        'UPDATES_UNAVAILABLE',
        keys.length === 0 ? 'This build has no release key' : 'updates.manifestUrl is not set'
      )
    await this.#readOutcome()
    const bytes = await this.#world.readManifest(manifestUrl, signal)
    if (signal.aborted) return
    const manifest = readManifest(bytes, keys)
    const { seen, failed } = this.#run.state.memory
    const wallMs = clock.wallMs()
    const kept = door.goesBack ? this.#kept : [version]
    const facts = { version, form: door.form, arch, channel, seen, failed, kept, wallMs }
    const offer = judgeManifest(manifest, facts)
    this.#manifest = bytes
    this.#run.happened({
      type: 'looked',
      offer,
      seen: { version: manifest.release.version, issuedAt: manifest.issuedAt },
      wallMs,
      delayMs: (delayHours + spreadHours * random()) * HOUR_MS
    })
  }

  async #fetchNow({ install, back }: Offer, signal: AbortSignal): Promise<void> {
    const base = this.#settings!.manifestUrl!
    const packages: FetchedPackage[] = []
    for (const about of back ? [install, back] : [install])
      packages.push(await this.#world.fetch(new URL(about.url, base).href, about, signal))
    if (signal.aborted) return
    this.#packages = packages
    this.#run.happened({ type: 'fetched', nowMs: this.#world.clock.monotonicMs() })
  }

  async #readOutcome(): Promise<void> {
    const outcome = await this.#world.door.outcome().catch(() => null)
    if (!outcome) return
    this.#kept = outcome.kept
    this.#run.happened({ type: 'outcome', outcome })
  }
}

/** With one full stop at its end, whatever it came with. */
const ended = (text: string | null): string => `${(text ?? 'for an unknown reason').replace(/\.+$/, '')}.`

const at = (wallMs: number): string => new Date(wallMs).toISOString().slice(0, 16).replace('T', ' ') + ' UTC'
