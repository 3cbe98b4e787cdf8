import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { readBoundedFile } from '../lib/bounded-file.ts'
import { LarderError, systemCode } from '../lib/errors.ts'
import { writePublicFile } from '../lib/public-file.ts'
import { compareVersions, isVersion } from './compare-versions.ts'
import type { InstallerWorld } from './installer-world.ts'
import type { PackageForm } from './manifest.ts'
import { Outcome } from './update-machine.ts'

/**
 * What the installer has on the disk, in a folder that root alone may write:
 *
 *     kept/1.2.3.deb   the package of the release that is installed, to come back to it
 *     memory.json      the newest manifest that was believed, releases gone back from
 *     way-back.json    while a new release is not proved yet; see `way-back-file.ts`
 *     outcome.json     for the agent and for people
 */
export type InstallerHome = Pick<InstallerWorld, 'home' | 'version' | 'wallMs'>

const InstallerMemory = z.object({
  seen: z.object({ version: z.string(), issuedAt: z.string() }).nullable().default(null),
  failed: z.array(z.string()).max(50).default([])
})
type InstallerMemory = z.infer<typeof InstallerMemory>
const MAX_MEMORY_BYTES = 64 * 1024
const MOST_FAILED = 50

/** @throws UPDATE_PUT_OFF: without what it remembers, a release that was gone back from would be tried again, and an older manifest believed */
export async function readMemory(home: string): Promise<InstallerMemory> {
  const file = join(home, 'memory.json')
  try {
    return InstallerMemory.parse(JSON.parse((await readBoundedFile(file, MAX_MEMORY_BYTES)).toString('utf8')))
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return InstallerMemory.parse({})
    throw new LarderError(
      'UPDATE_PUT_OFF',
      `What the installer remembers cannot be read (${systemCode(error) ?? 'it is damaged'}); take ${file} away to begin anew`,
      { path: file, cause: error }
    )
  }
}

export const writeMemory = (home: string, memory: InstallerMemory): Promise<void> =>
  writePublicFile(join(home, 'memory.json'), `${JSON.stringify(memory)}\n`)

/** A release that is never to be tried again. */
export async function rememberFailed(home: string, version: string): Promise<void> {
  const memory = await readMemory(home)
  if (memory.failed.includes(version)) return
  await writeMemory(home, { ...memory, failed: [...memory.failed, version].slice(-MOST_FAILED) })
}

/** Where the package of a release is kept. */
export const keptFile = (home: string, version: string, form: PackageForm): string =>
  join(home, 'kept', `${version}.${form}`)

/** The package of what is installed now, to come back to; others go. */
export async function keepOnly(home: string, file: string, version: string, form: PackageForm): Promise<void> {
  const kept = keptFile(home, version, form)
  if (file !== kept) await rename(file, kept)
  for (const other of await readdir(join(home, 'kept'))) {
    const path = join(home, 'kept', other)
    if (path !== kept) await rm(path, { force: true })
  }
}

/** Releases whose package is kept, newest first. */
export async function keptIn(home: string): Promise<string[]> {
  const names = await readdir(join(home, 'kept')).catch(() => [])
  return names
    .map((name) => name.replace(/\.[a-z]+$/, ''))
    .filter(isVersion)
    .toSorted((a, b) => compareVersions(b, a))
}

/** @param from the release before; else the one that runs this */
export async function ended(
  { home, version, wallMs }: InstallerHome,
  {
    version: to,
    from = version,
    result,
    why,
    code
  }: Pick<Outcome, 'version' | 'result' | 'why' | 'code'> & { readonly from?: string }
): Promise<Outcome> {
  return Outcome.parse({
    version: to,
    from,
    result,
    why: why?.slice(0, 2000) ?? null,
    code,
    at: wallMs(),
    kept: (await keptIn(home)).slice(0, 10)
  })
}

export const writeOutcome = (home: string, outcome: Outcome): Promise<void> =>
  writePublicFile(join(home, 'outcome.json'), `${JSON.stringify(outcome)}\n`)
