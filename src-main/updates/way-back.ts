import { ended, keepOnly, keptFile, rememberFailed, writeOutcome } from './installer-home.ts'
import type { Installed, InstallerWorld } from './installer-world.ts'
import { whyWorse, type Health } from './judge-health.ts'
import type { Outcome } from './update-machine.ts'
import { writeWayBack, type WayBack } from './way-back-file.ts'

const FIRST_PAUSE_MS = 2000
const LONGEST_PAUSE_MS = 15 * 60_000
/** After so many attempts in vain, two minutes, people are told; it goes on all the same. */
export const ATTEMPTS_BEFORE_TOLD = 6

/** How long to wait after an attempt in vain, the first one being 0. */
export const pauseAfter = (attempt: number): number => Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt)

/**
 * Takes the new release as proved, or goes back from it.
 * @param file package of the new release; null: it is not there any more
 */
export async function settle(world: InstallerWorld, way: WayBack, file: string | null): Promise<Outcome> {
  const { home, form } = world
  const why = way.why ?? (await whyWorseNow(world, way.version, way.before))
  if (why !== null) return goBack(world, { ...way, why })
  if (file !== null) await keepOnly(home, file, way.version, form)
  return ended(world, { version: way.version, from: way.to, result: 'installed', why: null, code: null })
}

/** What a run before has left open: the PC went down, or the installer was ended. */
export async function resumeWayBack(world: InstallerWorld, way: WayBack): Promise<Outcome> {
  world.note(`going on with ${way.version}, after ${way.to}`)
  const there = way.why === null ? await world.installed() : null
  if (there?.whole && there.version === way.to)
    return ended(world, {
      version: way.version,
      from: way.to,
      result: 'refused',
      why: 'the installer was ended before it could be installed',
      code: 'UPDATE_PUT_OFF'
    })
  return settle(world, way, null)
}

/**
 * Installs the release before, again and again until the package manager has taken it: another program may hold its lock for long, the disk may be
 * full. Never over what somebody else has installed or removed meanwhile.
 */
async function goBack(world: InstallerWorld, way: WayBack & { readonly why: string }): Promise<Outcome> {
  const { home, form } = world
  const facts = { version: way.version, from: way.to, code: 'UPDATE_FAILED' } as const
  world.note(`going back to ${way.to}: ${way.why}`)
  for (let attempt = 0; ; attempt++) {
    const other = takenOver(await world.installed(), way)
    if (other !== null) return ended(world, { ...facts, result: 'refused', why: `${way.why}; ${other}` })
    await keepInMind(world, way)
    const refused = await refusedBy(world, keptFile(home, way.to, form))
    if (refused === null) break
    world.note(`not yet back at ${way.to}: ${refused}`)
    if (attempt + 1 === ATTEMPTS_BEFORE_TOLD) await tellStuck(world, way, refused)
    await world.wait(pauseAfter(attempt))
  }
  await keepInMind(world, way)
  const still = await whyWorseNow(world, way.to, way.before)
  await keepOnly(home, keptFile(home, way.to, form), way.to, form)
  return ended(world, {
    ...facts,
    result: 'rolled-back',
    why: still === null ? way.why : `${way.why}; and after going back ${still}`
  })
}

/** Why nobody wants to go back any more; null: it is wanted. */
function takenOver(there: Installed | null, { version, to }: WayBack): string | null {
  if (there === null) return 'and somebody has removed Larder meanwhile'
  return there.version === null || there.version === version || there.version === to
    ? null
    : `and somebody has installed ${there.version} meanwhile`
}

/** A disk on which nothing can be written is no reason not to go back. */
async function keepInMind({ home, note }: InstallerWorld, way: WayBack): Promise<void> {
  try {
    await rememberFailed(home, way.version)
    await writeWayBack(home, way)
  } catch (error) {
    note(`the way back cannot be written down: ${(error as Error).message}`)
  }
}

async function tellStuck(world: InstallerWorld, { version, to, why }: WayBack, refused: string): Promise<void> {
  try {
    const stuck = { version, from: to, result: 'stuck', why: `${why}; ${refused}`, code: 'UPDATE_STUCK' } as const
    await writeOutcome(world.home, await ended(world, stuck))
  } catch (error) {
    world.note(`this cannot be told: ${(error as Error).message}`)
  }
}

/** @returns why the package manager has not installed a file, null when it has */
export async function refusedBy(world: InstallerWorld, file: string): Promise<string | null> {
  try {
    await world.install(file)
    return null
  } catch (error) {
    return `the package manager has refused it (${(error as Error).message})`
  }
}

/** @returns why this PC, which is to run `version`, is worse than before; null when it is not */
export async function whyWorseNow(
  world: InstallerWorld,
  version: string,
  before: Health | null
): Promise<string | null> {
  return whyWorse(version, await world.healthWhen((health) => whyWorse(version, health, before) === null), before)
}
