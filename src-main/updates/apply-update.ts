import { constants } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { readAtMost } from '../lib/bounded-file.ts'
import { LarderError, systemCode } from '../lib/errors.ts'
import { handedOver } from './installer-folder.ts'
import { ended, keptIn, keptFile, readMemory, writeMemory, writeOutcome, type InstallerHome } from './installer-home.ts'
import type { InstallerWorld } from './installer-world.ts'
import { judgeManifest, type Offer } from './judge-manifest.ts'
import { MAX_MANIFEST_BYTES, readManifest } from './manifest.ts'
import { takePackage } from './take-package.ts'
import type { Outcome } from './update-machine.ts'
import { forgetWayBack, readWayBack, writeWayBack } from './way-back-file.ts'
import { refusedBy, resumeWayBack, settle, whyWorseNow } from './way-back.ts'

/**
 * Installs what the agent has handed over, and goes back when this PC is worse then. A way back that an earlier run has left open comes first.
 * Whatever is wrong with the update, the outcome says it, also on the disk.
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
    const open = await readWayBack(home)
    outcome = open ? await resumeWayBack(world, open) : await tryUpdate(world, work)
  } catch (thrown) {
    outcome = await refusal(world, LarderError.from(thrown, 'UPDATE_FAILED'))
  }
  await rm(work, { recursive: true, force: true })
  await writeOutcome(home, outcome)
  await forgetWayBack(home)
  return outcome
}

/** Says that nothing was looked at, so that the agent does not wait for it. @throws the system's error when `home` cannot be written */
export async function refuseUpdate(world: InstallerHome, error: LarderError): Promise<Outcome> {
  await mkdir(world.home, { recursive: true, mode: 0o755 })
  const outcome = await refusal(world, error)
  await writeOutcome(world.home, outcome)
  return outcome
}

const refusal = (world: InstallerHome, { message, code }: LarderError): Promise<Outcome> =>
  ended(world, { version: '?', result: 'refused', why: message, code })

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
  const file = await takePackages(world, offer, work)
  const seen = { version: manifest.release.version, issuedAt: manifest.issuedAt }
  await writeMemory(home, { ...memory, seen })

  const before = await world.health()
  const there = await world.installed()
  // From here on whatever ends this run, a power cut too, leaves a way back to be finished.
  const way = { version: offer.version, to: version, before, why: null }
  await writeWayBack(home, way)
  world.note(`installing ${offer.version}`)
  const refused = await refusedBy(world, file)
  // Another installation was under way, or the disk is full: another time may be better.
  if (refused !== null && there?.whole && isDeepStrictEqual(await world.installed(), there)) {
    // An agent that did not answer before shows no harm.
    if (before === null || (await whyWorseNow(world, version, before)) === null)
      return ended(world, { version: offer.version, result: 'refused', why: refused, code: 'UPDATE_PUT_OFF' })
  }
  return settle(world, { ...way, why: refused }, file)
}

/** The package of the way back goes where it is kept. @returns the file of the new one */
async function takePackages(
  { spool, home, version, form }: InstallerWorld,
  { install, back }: Offer,
  work: string
): Promise<string> {
  const file = join(work, `new.${form}`)
  await takePackage(join(spool, handedOver.package(install)), file, install)
  if (back) {
    const taken = join(work, `back.${form}`)
    await takePackage(join(spool, handedOver.package(back)), taken, back)
    await rename(taken, keptFile(home, version, form))
  }
  return file
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
