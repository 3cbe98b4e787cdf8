import { hostname, networkInterfaces, release, totalmem, version } from 'node:os'
import { open, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { zipSync, strToU8, type Zippable } from 'fflate'
import { readToken } from '../agent/data-dir.ts'
import { redactKeys } from '../api/redact.ts'
import { createRedactor, type Redactor } from '../api/redactor.ts'
import { connect } from '../client/connection.ts'
import { LARDER_VERSION } from '../contract/version.ts'
import { dataPaths, defaultDataDir, type DataPaths } from '../lib/data-paths.ts'
import { LarderError, systemCode } from '../lib/errors.ts'
import { loadSettings } from '../settings/load-settings.ts'
import { settingDetails } from '../settings/setting-details.ts'
import { settingNames } from '../settings/setting-facts.ts'
import { diskFiles } from '../settings/settings-files.ts'
import { examineThisPc } from './doctor.ts'
import type { Output } from './output.ts'
import type { AgentCommandOptions } from './show.ts'
import { formatSize } from '../contract/sizes.ts'

/** The end of each log file that goes in, bytes. */
const MAX_LOG_BYTES = 5 * 1024 ** 2
const MAX_LOG_FILES = 10

/**
 * Writes a ZIP with what is needed to find a fault, and no secrets: everything in it has been through the redactor, files with
 * keys and tokens are not read but to know what to take out.
 * @throws DESTINATION_UNWRITABLE
 */
export async function writeSupportBundle(
  options: AgentCommandOptions & { readonly output?: string },
  output: Output
): Promise<void> {
  const paths = dataPaths(options.dataDir ?? defaultDataDir())
  const files = await gather(options, paths)
  const path = resolve(
    options.output ?? `larder-support-${new Date().toISOString().replace(/[:.]/g, '-').slice(0, 19)}.zip`
  )
  const bytes = zipSync(files, { level: 6 })
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (error) {
    throw new LarderError('DESTINATION_UNWRITABLE', `${path} cannot be written (${systemCode(error) ?? 'unknown'})`, {
      path,
      cause: error
    })
  }
  const names = Object.keys(files)
  output.result(
    { path, bytes: bytes.length, files: names },
    () =>
      `${path} (${formatSize(bytes.length)}) contains ${names.join(', ')}.\nSecrets have been removed. Check it before you send it: it contains names of PCs, folders and hosts.`
  )
}

async function gather(options: AgentCommandOptions, paths: DataPaths): Promise<Zippable> {
  const loaded = loadSettings(diskFiles(paths))
  const settings = {
    settings: settingNames.map((name) => settingDetails(name, loaded, null)),
    problems: loaded.problems
  }
  const redactor = createRedactor([...(await secretsOf(paths)), ...strings(loaded.settings.fleet)])
  const agent = await connect(options).catch(() => undefined)
  const parts: Record<string, unknown> = {
    'about.json': {
      made: new Date().toISOString(),
      larder: LARDER_VERSION,
      node: process.versions.node,
      system: {
        platform: process.platform,
        arch: process.arch,
        release: release(),
        version: version(),
        memoryBytes: totalmem(),
        host: hostname()
      },
      interfaces: networkInterfaces()
    },
    'settings.json': settings,
    'doctor.json': await settle(() => examineThisPc(options)),
    ...(agent && {
      'snapshot.json': await settle(() => agent.snapshot()),
      'events.json': await settle(() => agent.events()),
      'cache.json': await settle(() => agent.cache({ limit: 1000 }))
    })
  }
  const files: Zippable = {}
  for (const [name, value] of Object.entries(parts))
    files[name] = strToU8(`${JSON.stringify(redactor.facts(value), null, 2)}\n`)
  for (const [name, text] of await logFiles(paths)) files[`log/${name}`] = strToU8(redactLog(text, redactor))
  return files
}

/** Values that must not appear, whatever they stand in. */
async function secretsOf(paths: DataPaths): Promise<string[]> {
  const tokens = await Promise.all(
    [paths.apiToken, paths.gatewayToken].map((path) => readToken(path).catch(() => undefined))
  )
  const { LARDER_FLEET_KEY } = process.env
  const proxies = Object.entries(process.env).filter(
    ([name, value]) => /proxy$/i.test(name) && value !== undefined && URL.canParse(value)
  )
  const passwords = proxies.flatMap(([, value]) => [new URL(value!).username, new URL(value!).password])
  return [...tokens, LARDER_FLEET_KEY, ...passwords].filter(
    (value): value is string => value !== undefined && value !== ''
  )
}

/** The newest log files, each from its end. */
async function logFiles(paths: DataPaths): Promise<[string, string][]> {
  const names = (await readdir(paths.log).catch(() => []))
    .filter((name) => /^[\w.-]+$/.test(name))
    .sort()
    .slice(0, MAX_LOG_FILES)
  return Promise.all(
    names.map(async (name): Promise<[string, string]> => [
      name,
      await tailOf(join(paths.log, name)).catch(
        (error: unknown) => `cannot be read (${systemCode(error) ?? 'unknown'})\n`
      )
    ])
  )
}

async function tailOf(path: string): Promise<string> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const start = Math.max(0, size - MAX_LOG_BYTES)
    const buffer = Buffer.alloc(Math.min(size, MAX_LOG_BYTES))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, start)
    const text = buffer.subarray(0, bytesRead).toString('utf8')
    // A line cut in half is left out: what a redactor would look for may be in the other half.
    return start === 0 ? text : text.slice(text.indexOf('\n') + 1)
  } finally {
    await file.close()
  }
}

/** Lines are JSON as the agent writes them; anything else is text. */
function redactLog(text: string, redactor: Redactor): string {
  return redactKeys(text)
    .split('\n')
    .map((line) => {
      const value = attempt(() => JSON.parse(line) as unknown)
      return typeof value === 'object' && value !== null ? JSON.stringify(redactor.facts(value)) : redactor.text(line)
    })
    .join('\n')
}

/** All texts in a value. */
function strings(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(strings) : []
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

/** A part that cannot be had is told as the error it is. */
async function settle(work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work()
  } catch (error) {
    return { error: LarderError.from(error).toView() }
  }
}
