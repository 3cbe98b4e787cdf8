// Why it is like this: docs/decisions/0083-policy-by-the-channel-of-each-system.md
import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LarderError } from '../lib/errors.ts'
import { lookAtFiles } from '../lib/look-at-files.ts'
import { whyUnsafe } from '../lib/safe-place.ts'
import type { PolicyPart } from './policy-folder.ts'
import { policyOfRegistry, REGISTRY_POLICY } from './registry-policy.ts'
import { MAX_SETTINGS_BYTES } from './settings-text.ts'

/** What the management of the system brings, beside the policy files: of Windows the registry, of macOS a profile. */
export interface PolicyChannel {
  readonly place: string
  read(): PolicyPart['found']
  /** Calls back when it may have changed. @returns how to end it */
  watch(onChange: () => void): () => void
}

const TIMEOUT_MS = 10_000
/** What reg.exe ends with when there is no such key. */
const NO_KEY = 1
const REGISTRY_EVERY_MS = 60_000

/** The channels of a system, the strongest last. */
export function policyChannels(platform: NodeJS.Platform = process.platform): readonly PolicyChannel[] {
  if (platform === 'win32') return [registryChannel]
  if (platform === 'darwin') return [profileChannel('/Library/Managed Preferences/org.larder.larder.plist')]
  return []
}

const system32 = (): string => join(process.env['SystemRoot'] ?? String.raw`C:\Windows`, 'System32')

const registryChannel: PolicyChannel = {
  place: REGISTRY_POLICY,
  read() {
    // Only a file has the texts as they are: what `reg` prints depends on the code page.
    const dir = mkdtempSync(join(tmpdir(), 'larder-policy-'))
    try {
      const file = join(dir, 'policy.reg')
      const reg = join(system32(), 'reg.exe')
      const { status } = spawnSync(reg, ['export', REGISTRY_POLICY, file, '/y', '/reg:64'], {
        timeout: TIMEOUT_MS,
        windowsHide: true,
        stdio: 'ignore'
      })
      if (status === NO_KEY) return undefined
      if (status !== 0) return { unreadable: 'reg.exe does not answer' }
      if (statSync(file).size > 2 * MAX_SETTINGS_BYTES) return { unreadable: 'it is too long' }
      return { text: policyOfRegistry(readFileSync(file, 'utf16le')), modifiedMs: 0 }
    } catch (error) {
      return { unreadable: LarderError.from(error).message }
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  },
  watch(onChange) {
    let before: string | null = null
    const look = () =>
      execFile(
        join(system32(), 'reg.exe'),
        ['query', REGISTRY_POLICY, '/s', '/reg:64'],
        { timeout: TIMEOUT_MS, windowsHide: true, maxBuffer: 2 * MAX_SETTINGS_BYTES },
        (error, stdout) => {
          // One that did not answer says nothing about the key.
          if (error && error.code !== NO_KEY) return
          if (before !== null && stdout !== before) onChange()
          before = stdout
        }
      )
    look()
    const timer = setInterval(look, REGISTRY_EVERY_MS).unref()
    return () => clearInterval(timer)
  }
}

/** A profile's settings, as `plutil` shows them. */
export function profileChannel(place: string, plutil = '/usr/bin/plutil'): PolicyChannel {
  return {
    place,
    read() {
      const stats = statSync(place, { throwIfNoEntry: false })
      if (!stats) return undefined
      const why = whyUnsafe(place, { uid: 0, gid: 0 })
      if (why !== null) return { unreadable: `${why}, so somebody else may have written it` }
      const { status, stdout } = spawnSync(plutil, ['-convert', 'json', '-o', '-', place], {
        timeout: TIMEOUT_MS,
        encoding: 'utf8',
        maxBuffer: 2 * MAX_SETTINGS_BYTES
      })
      if (status !== 0) return { unreadable: 'plutil cannot read it' }
      return { text: policyOfProfile(stdout), modifiedMs: Math.round(stats.mtimeMs) }
    },
    watch: (onChange) => lookAtFiles(() => [place], onChange)
  }
}

/** Without what macOS itself adds. A text that is no JSON stays, so that it is told as such. */
export function policyOfProfile(json: string): string {
  try {
    const value = JSON.parse(json) as Record<string, unknown>
    return JSON.stringify(Object.fromEntries(Object.entries(value).filter(([name]) => !name.startsWith('Payload'))))
  } catch {
    return json
  }
}
