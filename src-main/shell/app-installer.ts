// Why it is like this: docs/decisions/0097-what-electron-updater-does-and-what-it-does-not.md
import { AppImageUpdater, NsisUpdater, Provider, type BaseUpdater, type UpdateInfo } from 'electron-updater'
import type { ProviderRuntimeOptions } from 'electron-updater/out/providers/Provider.js'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { mkdir, open, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { readBoundedFile } from '../lib/bounded-file.ts'
import { LarderError } from '../lib/errors.ts'
import { readManifest } from '../updates/manifest.ts'
import type { Outcome } from '../updates/update-machine.ts'
import type { FetchedPackage, InstallerDoor } from '../updates/updater.ts'
import { HIDDEN_FLAG } from './app-flags.ts'
import { describePackage, outcomeOf, Staged, type AppForm } from './app-update-plan.ts'
import { replaceProgram } from './replace-program.ts'

const MAX_STAGED_BYTES = 4096

export interface AppInstallerWorld {
  readonly form: AppForm
  /** A folder of its own. */
  readonly home: string
  /** The release that runs. */
  readonly version: string
  readonly keys: readonly string[]
  /** The file that an AppImage runs from. */
  readonly appImage: string | undefined
  wallMs(): number
  log(text: string): void
}

/** A package that was verified and is offered to electron-updater. */
interface Offered {
  readonly version: string
  readonly fileName: string
  readonly package: FetchedPackage
}

/**
 * New releases of an application that one user has installed for themselves. The agent has found, checked and downloaded the release; what
 * knows how each system replaces a program is electron-updater.
 *
 *     <home>/staged.json      the release that lies ready
 *     <home>/files/…          electron-updater's own
 */
export class AppInstaller implements InstallerDoor {
  readonly goesBack = false
  readonly form: AppForm
  readonly keys: readonly string[]
  readonly #world: AppInstallerWorld
  #ready: { readonly updater: BaseUpdater; readonly staged: Staged } | null = null
  /** What is handed over and taken back meanwhile is not staged. */
  #turn = 0
  /** Called when a release lies ready. */
  onReady: () => void = () => {}

  constructor(world: AppInstallerWorld) {
    this.#world = world
    this.form = world.form
    this.keys = world.keys
  }

  isWaiting(): boolean {
    return this.#ready !== null
  }

  async outcome(): Promise<Outcome | null> {
    const bytes = await readBoundedFile(this.#stagedFile, MAX_STAGED_BYTES)
    return outcomeOf(Staged.parse(JSON.parse(bytes.toString('utf8'))), this.#world.version)
  }

  /** What becomes of a release is seen by the next start alone. */
  watch(): () => void {
    return () => {}
  }

  async handOver(manifest: Uint8Array, [one]: readonly FetchedPackage[]): Promise<void> {
    const { home, keys, version: from, appImage } = this.#world
    const turn = ++this.#turn
    this.#ready = null
    const { version } = readManifest(manifest, keys).release
    await rm(home, { recursive: true, force: true })
    await mkdir(home, { recursive: true, mode: 0o700 })
    const fileName = this.form === 'nsis' ? 'Larder-Setup.exe' : basename(appImage!)
    const updater = await this.#download({ version, fileName, package: one! })
    if (turn !== this.#turn) return
    const staged = { version, from, at: this.#world.wallMs(), begun: false }
    writeFileSync(this.#stagedFile, JSON.stringify(staged), { mode: 0o600 })
    this.#ready = { updater, staged }
    this.onReady()
  }

  async clear(): Promise<void> {
    this.#turn++
    this.#ready = null
    await rm(this.#files, { recursive: true, force: true })
  }

  /**
   * Replaces the program by what lies ready. Call at the very end of the process: it is synchronous.
   * @param restart whether the new release is to be started
   */
  install(restart: boolean): void {
    if (!this.#ready) return
    const { updater, staged } = this.#ready
    this.#ready = null
    writeFileSync(this.#stagedFile, JSON.stringify({ ...staged, begun: true }), { mode: 0o600 })
    updater.install(true, restart)
  }

  get #files(): string {
    return join(this.#world.home, 'files')
  }

  get #stagedFile(): string {
    return join(this.#world.home, 'staged.json')
  }

  async #download(offered: Offered): Promise<BaseUpdater> {
    const { home, form, log, appImage, version } = this.#world
    // electron-updater asks for this file of electron-builder; nothing in it but the name of a folder counts here.
    const config = join(home, 'app-update.yml')
    writeFileSync(config, 'updaterCacheDirName: files\n', { mode: 0o600 })
    const app = {
      version,
      name: 'larder',
      isPackaged: true,
      appUpdateConfigPath: config,
      userDataPath: home,
      baseCachePath: home,
      whenReady: async () => {},
      relaunch() {},
      quit() {},
      onQuit() {}
    }
    const updater = form === 'nsis' ? new NsisUpdater(null, app) : new AppImageReplacer(appImage!, app)
    updater.logger = { info: log, warn: log, error: log, debug: () => {} }
    updater.autoDownload = false
    updater.autoInstallOnAppQuit = false
    updater.disableWebInstaller = true
    // Differences are another file for each release that somebody has; a whole file crosses the WAN once for all.
    updater.disableDifferentialDownload = true
    updater.forceDevUpdateConfig = true
    Object.assign(updater, { httpExecutor: executorOf(offered) })
    updater.setFeedURL({ provider: 'custom', updateProvider: providerOf(offered) })
    const found = await updater.checkForUpdates()
    if (!found?.isUpdateAvailable)
      throw new LarderError('UPDATE_FAILED', `electron-updater does not take ${offered.version} for a new release`)
    await updater.downloadUpdate()
    return updater
  }
}

/** Says of the one package what a `latest.yml` would say; nothing is asked for. */
function providerOf({ version, fileName, package: { about } }: Offered) {
  return class extends Provider<UpdateInfo> {
    // electron-updater hands three arguments to a provider of somebody else, the last one being those of its base.
    constructor(_options: unknown, _updater: unknown, runtime: unknown) {
      super(runtime as ProviderRuntimeOptions)
    }

    override async getLatestVersion(): Promise<UpdateInfo> {
      return describePackage(version, about, fileName, new Date(0).toISOString())
    }

    override resolveFiles(info: UpdateInfo) {
      // The host is never asked: the bytes are the agent's.
      return info.files.map((file) => ({ url: new URL(`larder-agent://package/${file.url}`), info: file }))
    }
  }
}

/** In the place of electron-updater's HTTP: the bytes that the agent has, hashed once more on their way. */
const executorOf = ({ package: one }: Offered) => ({
  async download(_url: URL, destination: string): Promise<string> {
    const hash = createHash('sha256')
    const file = await open(destination, 'wx', 0o700)
    try {
      for await (const chunk of one.chunks()) {
        hash.update(chunk)
        await file.writeFile(chunk)
      }
      await file.sync()
    } finally {
      await file.close()
    }
    const actual = hash.digest('hex')
    if (actual !== one.about.sha256)
      throw new LarderError('UPDATE_PACKAGE_INVALID', 'The package of the update has another digest', {
        expected: one.about.sha256,
        actual
      })
    return destination
  }
})

/** The base takes the old file away before it has the new one, which a full disk or a power cut then leaves as none. */
class AppImageReplacer extends AppImageUpdater {
  readonly #file: string

  constructor(file: string, app: unknown) {
    super(null, app)
    this.#file = file
  }

  protected override doInstall({ isForceRunAfter }: { readonly isForceRunAfter: boolean }): boolean {
    replaceProgram(this.installerPath!, this.#file)
    if (isForceRunAfter) this.spawnLog(this.#file, [HIDDEN_FLAG], process.env).catch(() => {})
    return true
  }
}
