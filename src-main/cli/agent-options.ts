import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { SettingsInput } from '../contract/settings.ts'
import { LarderError, systemCode } from '../lib/errors.ts'
import { siteKeysIn } from '../peers/fleet/site-key-file.ts'
import { parseAssignment } from '../settings/assignment.ts'

/** Options of `larder agent` as they are parsed. */
export interface AgentOptions {
  readonly dataDir?: string
  /** Serves all users of this PC. */
  readonly machine?: boolean
  readonly name?: string
  readonly fleetKey?: string
  readonly fleetKeyFile?: string
  readonly apiPort?: number
  readonly peerPort?: number
  readonly beaconPort?: number
  readonly listen?: string
  readonly seed?: readonly string[]
  readonly beacon?: boolean
  readonly includeLoopback?: boolean
  readonly weight?: number
  readonly cacheDir?: string
  readonly cacheMax?: number
  readonly logLevel?: string
  readonly ui?: boolean
  readonly set?: readonly string[]
}

const MAX_KEY_FILE_CHARACTERS = 4096

/**
 * What the command line says about settings, `--set` last.
 * @throws SITE_KEY_INVALID, SETTINGS_INVALID
 */
export function settingsOfOptions(options: AgentOptions): SettingsInput {
  const [siteKey, otherSiteKey] = siteKeysOf(options)
  const parts: SettingsInput[] = [
    {
      fleet: { ...given('siteKey', siteKey), ...given('otherSiteKey', otherSiteKey) },
      ports: {
        ...given('api', options.apiPort),
        ...given('peer', options.peerPort),
        ...given('beacon', options.beaconPort)
      },
      discovery: {
        ...given('listenAddress', options.listen),
        ...given('seeds', options.seed && [...options.seed]),
        ...given('includeLoopback', options.includeLoopback),
        ...(options.beacon === false && { beacon: false })
      },
      election: { ...given('weight', options.weight) },
      cache: {
        ...(options.cacheDir !== undefined && { dir: resolve(options.cacheDir) }),
        ...given('maxBytes', options.cacheMax)
      },
      ui: { ...given('browser', options.ui) },
      log: { ...given('level', options.logLevel as 'info' | undefined) }
    },
    ...(options.set ?? []).map(parseAssignment)
  ]
  const all: Record<string, object> = {}
  for (const part of parts)
    for (const [section, values] of Object.entries(part)) all[section] = { ...all[section], ...values }
  return all
}

const given = <K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> =>
  value === undefined ? {} : ({ [key]: value } as Record<K, V>)

function siteKeysOf(options: AgentOptions): readonly string[] {
  let text = options.fleetKey
  if (options.fleetKeyFile !== undefined) {
    try {
      // `-`: from stdin, so that it lies nowhere.
      text = readFileSync(options.fleetKeyFile === '-' ? 0 : options.fleetKeyFile, 'utf8').slice(
        0,
        MAX_KEY_FILE_CHARACTERS
      )
    } catch (error) {
      throw new LarderError(
        'SITE_KEY_INVALID',
        `The site key file ${options.fleetKeyFile} cannot be read (${systemCode(error) ?? 'unreadable'})`,
        { path: options.fleetKeyFile }
      )
    }
  }
  if (text === undefined) return []
  const keys = siteKeysIn(text)
  // The key itself never goes into a message.
  if (!keys) throw new LarderError('SITE_KEY_INVALID', 'The site key is not one made by `larder fleet key new`')
  return keys
}
