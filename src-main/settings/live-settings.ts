import { EventEmitter } from 'node:events'
import type { SettingDetails, SettingsProblem } from '../contract/setting-details.ts'
import type { IntegrationState } from '../contract/snapshot.ts'
import type { Settings } from '../contract/settings.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import { checkedValue, knownName } from './assignment.ts'
import { settingsInForce, UNTIL_RESTART, type ThisRun } from './effective.ts'
import { integrationState } from './integration-state.ts'
import { loadSettings, requireUsable, withThisRun, type LoadedSettings } from './load-settings.ts'
import { isSame, settingDetails } from './setting-details.ts'
import { factsAbout, settingNames, type SettingName } from './setting-facts.ts'
import { memoryFiles, type SettingsFile, type SettingsFiles } from './settings-files.ts'
import type { SettingValues } from './settings-text.ts'
import { managedSetting, writeSetting, type Change } from './write-setting.ts'

export interface LiveSettingsEvents {
  /** These settings have another value now; those that need a restart are in force from the next start on. */
  changed: [names: readonly SettingName[]]
  /** What is wrong with the files has changed; empty: nothing any more. */
  problems: [SettingsProblem[]]
}

export interface LiveSettingsOptions {
  readonly files: SettingsFiles
  readonly commandLine?: SettingValues
  readonly clock: Clock
}

/** After a change a file is given this long to be complete, ms. */
const SETTLE_MS = 300

/**
 * The settings of one running agent: what is in force, where each came from, and the place where they are changed. Files are
 * only read, but for {@link set} and {@link unset}; a broken one leaves in force what was there before. What is set until restart
 * lies over the files, one field at a time, until the same field is set again or a policy takes it over.
 */
export class LiveSettings extends EventEmitter<LiveSettingsEvents> {
  readonly #files: SettingsFiles
  readonly #commandLine: SettingValues
  readonly #clock: Clock
  #started: Settings
  #startedMs: number
  /** What the files and the command line say. */
  #said: LoadedSettings
  #thisRun: ThisRun = new Map()
  /** Both together. */
  #loaded: LoadedSettings
  #current: Settings
  /** Changes of the file, one after the other. */
  #writing: Promise<unknown> = Promise.resolve()
  #settling: Timer | null = null
  #unwatch: (() => void) | null = null

  /** @throws SETTINGS_INVALID when a file is broken and no good version of it is known */
  constructor({ files, commandLine = new Map(), clock }: LiveSettingsOptions) {
    super()
    this.setMaxListeners(0)
    this.#files = files
    this.#commandLine = commandLine
    this.#clock = clock
    this.#said = this.#loaded = loadSettings(files, commandLine)
    requireUsable(this.#loaded)
    this.#started = this.#loaded.settings
    this.#startedMs = clock.wallMs()
    this.#current = this.#started
  }

  /** What counts now. */
  get current(): Settings {
    return this.#current
  }

  get integration(): IntegrationState {
    return integrationState(this.#loaded, this.#startedMs)
  }

  problems(): SettingsProblem[] {
    return [...this.#loaded.problems]
  }

  list(): SettingDetails[] {
    return settingNames.map((name) => settingDetails(name, this.#loaded, this.#current))
  }

  /** @throws NOT_FOUND */
  get(name: string): SettingDetails {
    return settingDetails(knownName(name), this.#loaded, this.#current)
  }

  /** Watches the files and keeps good versions for a start on a broken one. @returns how to end it */
  watch(): () => void {
    this.#unwatch ??= this.#files.watch(() => {
      this.#settling?.cancel()
      this.#settling = this.#clock.after(SETTLE_MS, () => this.reload())
    })
    this.#keepGood()
    return () => {
      this.#settling?.cancel()
      this.#unwatch?.()
      this.#unwatch = null
    }
  }

  /** An agent starts (again): everything counts from now on. @throws SETTINGS_INVALID */
  begin(): void {
    this.#thisRun = new Map()
    this.reload()
    requireUsable(this.#loaded)
    this.#started = this.#loaded.settings
    this.#startedMs = this.#clock.wallMs()
    this.#current = this.#started
  }

  /** Reads the files again. */
  reload(): void {
    const before = this.#said
    const next = loadSettings(this.#files, this.#commandLine)
    // A broken file whose good version could not be kept on the disk: what is in force stays.
    const usable = next.problems.every(({ inForce }) => inForce !== 'nothing')
    this.#said = usable
      ? next
      : {
          ...before,
          problems: next.problems.map((problem) =>
            problem.inForce === 'nothing' ? { ...problem, inForce: 'last-good' as const } : problem
          )
        }
    if (usable) this.#keepGood()
    // The newest word about a field counts.
    const outdated = (name: SettingName) => {
      const { value, managed, source } = this.#said.of.get(name)!
      return (managed && source === 'policy') || !isSame(before.of.get(name)!.value, value)
    }
    this.#thisRun = new Map([...this.#thisRun].filter(([name]) => !outdated(name)))
    this.#takeOver()
    if (!isSame(before.problems, this.#loaded.problems)) this.emit('problems', this.problems())
  }

  /**
   * Calls back when what `select` finds in the settings in force has changed, and for nothing else: a change of one setting cannot
   * undo anything about another. @param from the settings that have been applied so far @returns how to end it
   */
  follow<T>(select: (settings: Settings) => T, apply: (value: T) => void, from = this.#current): () => void {
    let last = select(from)
    const onChanged = () => {
      const next = select(this.#current)
      if (isSame(last, next)) return
      last = next
      apply(next)
    }
    this.on('changed', onChanged)
    onChanged()
    return () => void this.off('changed', onChanged)
  }

  /**
   * Sets something until the agent ends, past the files; all or nothing.
   * @throws NOT_FOUND, SETTINGS_INVALID, SETTING_MANAGED when the machine policy rules one of these
   */
  setForThisRun(values: ReadonlyMap<string, unknown>, change: Change): void {
    const author = { by: change.by, at: this.#clock.wallMs(), reason: change.reason ?? null }
    const named = [...values].map(([text, value]) => [knownName(text), value] as const)
    this.requireOpen(named.map(([name]) => name))
    const checked = named.map(([name, value]) => {
      if (factsAbout(name).needsRestart)
        throw new LarderError('BAD_REQUEST', `${name} counts from the next start on; set it with larder config set`, {
          field: name
        })
      return [name, { value: checkedValue(name, value, UNTIL_RESTART), author }] as const
    })
    this.#thisRun = new Map([...this.#thisRun, ...checked])
    this.#takeOver()
  }

  /** Brings in line what counts with what was said, and tells what is different. */
  #takeOver(): void {
    const before = this.#loaded
    this.#loaded = withThisRun(this.#said, this.#thisRun)
    this.#current = settingsInForce(this.#started, this.#loaded.settings)
    const changed = settingNames.filter((name) => !isSame(before.of.get(name)!.value, this.#loaded.of.get(name)!.value))
    if (changed.length > 0) this.emit('changed', changed)
  }

  /** @throws NOT_FOUND, SETTING_MANAGED, SETTINGS_INVALID, SETTINGS_UNWRITABLE; nothing is changed then */
  async set(name: string, value: unknown, change: Change): Promise<SettingDetails> {
    return this.#write(knownName(name), value, change)
  }

  /**
   * Asked before something is changed for this run only, past the files.
   * @throws SETTING_MANAGED when the machine policy rules one of these
   */
  requireOpen(names: readonly SettingName[]): void {
    for (const name of names) {
      const effective = this.#said.of.get(name)!
      if (effective.managed && effective.source === 'policy') throw managedSetting(name, effective)
    }
  }

  /** Takes a setting out of the user's file. @throws as {@link set} */
  async unset(name: string, change: Change): Promise<SettingDetails> {
    return this.#write(knownName(name), undefined, change)
  }

  #write(name: SettingName, value: unknown, change: Change): Promise<SettingDetails> {
    const written = this.#writing.then(async () => {
      await writeSetting(this.#files, name, value, {
        change,
        commandLine: this.#commandLine,
        nowMs: this.#clock.wallMs()
      })
      this.#thisRun = new Map([...this.#thisRun].filter(([other]) => other !== name))
      this.reload()
      return this.get(name)
    })
    this.#writing = written.catch(() => {})
    return written
  }

  #keepGood(): void {
    for (const file of ['user', 'policy'] satisfies SettingsFile[]) {
      const text = this.#said.good[file]
      // Nothing depends on it but a start on a file that has been broken meanwhile.
      if (text !== null) void this.#files.keepGood(file, text).catch(() => {})
    }
  }
}

/** Settings that nobody keeps: an agent in a test, or inside another program. `policy`: text of a machine policy. */
export function settingsInMemory(settings: Settings, clock: Clock, policy?: string): LiveSettings {
  return new LiveSettings({ files: memoryFiles(JSON.stringify(settings), policy), clock })
}
