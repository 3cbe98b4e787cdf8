import { constants } from 'node:fs'
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { readAtMost, readBoundedFile } from '../lib/bounded-file.ts'
import { LarderError, systemCode } from '../lib/errors.ts'
import { writePublicFile } from '../lib/public-file.ts'
import { compareVersions, isVersion } from './compare-versions.ts'
import { handedOver } from './installer-folder.ts'
import { whyWorse, type Health } from './judge-health.ts'
import { judgeManifest, type Offer, type UpdateFacts } from './judge-manifest.ts'
import { MAX_MANIFEST_BYTES, readManifest, type PackageForm } from './manifest.ts'
import { takePackage } from './take-package.ts'
import { Outcome } from './update-machine.ts'

/** What the installer remembers, in a folder that only root may write. */
const InstallerMemory = z.object({
  seen: z.object({ version: z.string(), issuedAt: z.string() }).nullable().default(null),
  failed: z.array(z.string()).max(50).default([])
})
const MAX_MEMORY_BYTES = 64 * 1024
const MOST_FAILED = 50

export interface InstallerWorld {
  /** Filled by the agent, and by whoever has taken its account; nothing there is believed. */
  readonly spool: string
  /**
   * Of root alone:
   *
   *     kept/1.2.3.deb   the package of the release that is installed, to come back to it
   *     memory.json      the newest manifest that was believed, releases gone back from
   *     outcome.json     for the agent and for people
   */
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
  /** What the package manager says is installed, and whole; null: nothing, or it does not say. */
  installed(): Promise<string | null>
  /** How this PC is now; null: its agent does not answer. */
  health(): Promise<Health | null>
  /** The same, when `good` says yes or enough time has passed. */
  healthWhen(good: (health: Health | null) => boolean): Promise<Health | null>
  note(text: string): void
}

/**
 * Installs what the agent has handed over, and goes back when this PC is worse then. Whatever is wrong with the update, the outcome says it, also on
 * the disk.
 * @throws the system's error when `home` cannot be written
 */
export async function applyUpdate(world: InstallerWorld): Promise<Outcome> {
  const { home } = world
  await mkdir(join(home, 'kept'), { recursive: true, mode: 0o755 })
  const work = join(home, 'work')
  await rm(work, { recursive: true, force: true })
  await mkdir(work, { mode: 0o700 })
  let outcome: Outcome
  try {
    outcome = await tryUpdate(world, work)
  } catch (thrown) {
    outcome = await refusal(world, LarderError.from(thrown, 'UPDATE_FAILED'))
  }
  await rm(work, { recursive: true, force: true })
  await writeOutcome(home, outcome)
  return outcome
}

/** Says that nothing was looked at, so that the agent does not wait for it. @throws the system's error when `home` cannot be written */
export async function refuseUpdate(world: AboutInstaller, error: LarderError): Promise<Outcome> {
  await mkdir(world.home, { recursive: true, mode: 0o755 })
  const outcome = await refusal(world, error)
  await writeOutcome(world.home, outcome)
  return outcome
}

type AboutInstaller = Pick<InstallerWorld, 'home' | 'version' | 'wallMs'>

const refusal = (world: AboutInstaller, { message, code }: LarderError): Promise<Outcome> =>
  ended(world, { version: '?', result: 'refused', why: message, code })

const writeOutcome = (home: string, outcome: Outcome): Promise<void> =>
  writePublicFile(join(home, 'outcome.json'), `${JSON.stringify(outcome)}\n`)

async function tryUpdate(world: InstallerWorld, work: string): Promise<Outcome> {
  const { spool, home, keys, version, form, arch, channel } = world
  const memory = await readMemory(home)
  const kept = await keptIn(home)
  const manifest = readManifest(await readSpool(join(spool, handedOver.manifest)), keys)
  const offer = judgeManifest(manifest, { version, form, arch, channel, ...memory, kept, wallMs: world.wallMs() })
  if (!offer)
    return ended(world, {
      version: manifest.release.version,
      result: 'refused',
      why: 'it is installed already, or was gone back from',
      code: 'UPDATE_MANIFEST_OLDER'
    })
  const packages = await takePackages(world, offer, work)
  const seen = { version: manifest.release.version, issuedAt: manifest.issuedAt }
  await writeMemory(home, { ...memory, seen })

  const before = await world.health()
  const there = await world.installed()
  world.note(`installing ${offer.version}`)
  const refused = await refusedBy(world, packages.install)
  // Another installation was under way, or the disk is full: another time may be better.
  if (refused !== null && there !== null && (await world.installed()) === there) {
    // An agent that did not answer before shows no harm.
    if (before === null || (await whyWorseNow(world, version, before)) === null)
      return ended(world, { version: offer.version, result: 'refused', why: refused, code: 'UPDATE_PUT_OFF' })
  }
  const why = refused ?? (await whyWorseNow(world, offer.version, before))
  if (why === null) {
    await keepOnly(home, packages.install, `${offer.version}.${form}`)
    return ended(world, { version: offer.version, result: 'installed', why: null, code: null })
  }
  world.note(`going back to ${version}: ${why}`)
  await writeMemory(home, { seen, failed: [...memory.failed, offer.version].slice(-MOST_FAILED) })
  const still = (await refusedBy(world, packages.back)) ?? (await whyWorseNow(world, version, before))
  await keepOnly(home, packages.back, `${version}.${form}`)
  return ended(world, {
    version: offer.version,
    result: 'rolled-back',
    why: still === null ? why : `${why}; and after going back ${still}`,
    code: 'UPDATE_FAILED'
  })
}

/** @returns why the package manager has not installed a file, null when it has */
async function refusedBy(world: InstallerWorld, file: string): Promise<string | null> {
  try {
    await world.install(file)
    return null
  } catch (error) {
    return `the package manager has refused it (${(error as Error).message})`
  }
}

/** @returns why this PC, which is to run `version`, is worse than before; null when it is not */
async function whyWorseNow(world: InstallerWorld, version: string, before: Health | null): Promise<string | null> {
  return whyWorse(version, await world.healthWhen((health) => whyWorse(version, health, before) === null), before)
}

async function takePackages(
  { spool, home, version, form }: InstallerWorld,
  { install, back }: Offer,
  work: string
): Promise<{ install: string; back: string }> {
  const files = { install: join(work, `new.${form}`), back: join(home, 'kept', `${version}.${form}`) }
  await takePackage(join(spool, handedOver.package(install)), files.install, install)
  if (back) {
    files.back = join(work, `back.${form}`)
    await takePackage(join(spool, handedOver.package(back)), files.back, back)
  }
  return files
}

/** The package of what is installed now, to come back to; others go. */
async function keepOnly(home: string, file: string, name: string): Promise<void> {
  const folder = join(home, 'kept')
  if (file !== join(folder, name)) await rename(file, join(folder, name))
  for (const other of await readdir(folder)) if (other !== name) await rm(join(folder, other), { force: true })
}

/** Releases whose package is kept, newest first. */
async function keptIn(home: string): Promise<string[]> {
  const names = await readdir(join(home, 'kept')).catch(() => [])
  return names
    .map((name) => name.replace(/\.[a-z]+$/, ''))
    .filter(isVersion)
    .toSorted((a, b) => compareVersions(b, a))
}

async function ended(
  { home, version: from, wallMs }: AboutInstaller,
  { version, result, why, code }: Pick<Outcome, 'version' | 'result' | 'why' | 'code'>
): Promise<Outcome> {
  return Outcome.parse({
    version,
    from,
    result,
    why: why?.slice(0, 2000) ?? null,
    code,
    at: wallMs(),
    kept: (await keptIn(home)).slice(0, 10)
  })
}

async function readSpool(file: string): Promise<Buffer> {
  try {
    const handle = await open(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
    try {
      return await readAtMost(handle, MAX_MANIFEST_BYTES, file)
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw new LarderError(
      'UPDATE_MANIFEST_INVALID',
      `The update manifest cannot be read (${systemCode(error) ?? String(error)})`
    )
  }
}

/** @throws UPDATE_PUT_OFF: without what it remembers, a release that was gone back from would be tried again, and an older manifest believed */
async function readMemory(home: string): Promise<z.infer<typeof InstallerMemory>> {
  const file = join(home, 'memory.json')
  try {
    return InstallerMemory.parse(JSON.parse((await readBoundedFile(file, MAX_MEMORY_BYTES)).toString('utf8')))
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return InstallerMemory.parse({})
    throw new LarderError(
      'UPDATE_PUT_OFF',
      `What the installer remembers cannot be read (${systemCode(error) ?? 'it is damaged'}); take ${file} away to begin again`,
      { path: file, cause: error }
    )
  }
}

const writeMemory = (home: string, memory: z.infer<typeof InstallerMemory>): Promise<void> =>
  writePublicFile(join(home, 'memory.json'), `${JSON.stringify(memory)}\n`)
