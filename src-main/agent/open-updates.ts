import { join } from 'node:path'
import type { Cache } from '../cache/cache.ts'
import { RequestSpec } from '../contract/request.ts'
import { LARDER_VERSION } from '../contract/version.ts'
import type { Clock } from '../lib/clock.ts'
import { LarderError } from '../lib/errors.ts'
import { readPrivateFile, writePrivateFile } from '../lib/private-file.ts'
import type { OriginClient } from '../origin/origin.ts'
import { MAX_MANIFEST_BYTES, type ReleasePackage } from '../updates/manifest.ts'
import { UpdateMemory } from '../updates/update-machine.ts'
import { Updater, type FetchedPackage, type InstallerDoor } from '../updates/updater.ts'
import type { EventLog } from './event-log.ts'
import { readFromOrigin } from './read-from-origin.ts'
import { requested, type AskedAgent } from './requested.ts'

const MAX_MEMORY_BYTES = 64 * 1024
const CHUNK_BYTES = 1024 * 1024

export interface UpdatesWorld {
  readonly agent: AskedAgent
  readonly cache: Cache
  readonly origin: OriginClient
  readonly events: EventLog
  readonly clock: Clock
  readonly dataDir: string
  readonly installer: InstallerDoor
}

const MANIFEST = {
  what: 'The update manifest',
  maxBytes: MAX_MANIFEST_BYTES,
  tooLong: (bytes: number) =>
    new LarderError('UPDATE_MANIFEST_INVALID', `The update manifest has ${bytes} bytes or more`, {
      maxBytes: MAX_MANIFEST_BYTES
    })
}

/** New releases, by the requests of this agent. */
export async function openUpdates(world: UpdatesWorld): Promise<Updater> {
  const { agent, cache, clock, events, installer } = world
  const file = join(world.dataDir, 'updates.json')
  return new Updater({
    clock,
    version: LARDER_VERSION,
    arch: process.arch === 'arm64' ? 'arm64' : 'x64',
    door: installer,
    random: Math.random,
    memory: await readMemory(file),
    remember: (memory) => writePrivateFile(file, `${JSON.stringify(memory)}\n`),
    readManifest: (url, signal) => readFromOrigin(world, url, MANIFEST, signal),
    async fetch(url, about, signal) {
      const spec = RequestSpec.parse({ url, integrity: about.sha256, kind: 'resource', priority: 'background' })
      // Whoever runs the origin of the manifest chose the URL.
      await requested(agent, spec, { by: 'update', chooser: 'other' }, signal)
      return cachedPackage(cache, about)
    },
    tell: (type, text, facts) => events.add(type, text, facts)
  })
}

function cachedPackage(cache: Cache, about: ReleasePackage): FetchedPackage {
  return {
    about,
    async *chunks() {
      const reader = await cache.open(about.sha256)
      if (!reader) throw new LarderError('NOT_FOUND', 'The package left the cache before it was installed')
      try {
        const { lengthBytes } = reader.plan
        if (lengthBytes !== about.sizeBytes)
          throw new LarderError('UPDATE_PACKAGE_INVALID', `The package has ${lengthBytes} bytes`, {
            expected: about.sizeBytes,
            actual: lengthBytes
          })
        for (let at = 0; at < lengthBytes; at += CHUNK_BYTES)
          yield await reader.read(at, Math.min(CHUNK_BYTES, lengthBytes - at))
      } finally {
        await reader.close()
      }
    }
  }
}

/** What is damaged counts as nothing: the release that runs, and what the installer remembers, keep it from going backwards. */
async function readMemory(file: string): Promise<UpdateMemory> {
  try {
    const bytes = await readPrivateFile(file, MAX_MEMORY_BYTES)
    return UpdateMemory.parse(bytes ? JSON.parse(bytes.toString('utf8')) : {})
  } catch {
    return UpdateMemory.parse({})
  }
}
