import type { Health } from './judge-health.ts'
import type { UpdateFacts } from './judge-manifest.ts'
import type { PackageForm } from './manifest.ts'

/** What the package manager says of Larder. */
export interface Installed {
  /** Null: it does not say. */
  readonly version: string | null
  /** Unpacked and set up; false: an installation of it was cut short, or has failed. */
  readonly whole: boolean
}

/** What the installer stands on. */
export interface InstallerWorld {
  /** Filled by the agent, and by whoever has taken its account; nothing there is believed. */
  readonly spool: string
  /** Of root alone; see `installer-home.ts`. */
  readonly home: string
  readonly keys: readonly string[]
  /** The release that is installed. */
  readonly version: string
  readonly form: PackageForm
  readonly arch: UpdateFacts['arch']
  readonly channel: string
  wallMs(): number
  /** Has the package manager install a file, also an older one. @throws when it does not */
  install(file: string): Promise<void>
  /** Null: it is not installed. */
  installed(): Promise<Installed | null>
  /** How this PC is now; null: its agent does not answer. */
  health(): Promise<Health | null>
  /** The same, when `good` says yes or enough time has passed. */
  healthWhen(good: (health: Health | null) => boolean): Promise<Health | null>
  wait(ms: number): Promise<void>
  note(text: string): void
}
