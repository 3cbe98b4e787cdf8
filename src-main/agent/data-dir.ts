import { randomBytes } from 'node:crypto'
import { chmod, rm } from 'node:fs/promises'
import { lockFolder, type FolderLock } from '../cache/folder-lock.ts'
import { AgentFile, ApiToken } from '../contract/api.ts'
import { dataPaths, type DataPaths } from '../lib/data-paths.ts'
import { hasCode, LarderError, systemCode } from '../lib/errors.ts'
import { makeFolder } from '../lib/make-folder.ts'
import { readPrivateFile, writePrivateFile } from '../lib/private-file.ts'
import { whyUnsafe } from '../lib/safe-place.ts'

const MAX_SMALL_FILE = 4096

/** Makes the data folder, for this user alone. @throws FOLDER_UNSAFE when another user could decide what is in it, CACHE_UNUSABLE */
export async function prepareDataDir(root: string): Promise<DataPaths> {
  const paths = dataPaths(root)
  assertSafe(paths.root)
  try {
    const made = await makeFolder(paths.root)
    if (made !== undefined && process.platform !== 'win32') await chmod(paths.root, 0o700)
    assertSafe(paths.root)
    return paths
  } catch (error) {
    if (error instanceof LarderError) throw error
    throw new LarderError(
      'CACHE_UNUSABLE',
      `The data folder ${paths.root} cannot be made (${systemCode(error) ?? String(error)})`,
      { path: paths.root, cause: error }
    )
  }
}

function assertSafe(path: string): void {
  const why = whyUnsafe(path)
  if (why !== null) throw new LarderError('FOLDER_UNSAFE', `The data folder is not safe: ${why}`, { path })
}

/** The token of the local API, made at the first start. A damaged one is replaced. For the holder of the lock. */
export function ensureApiToken(paths: DataPaths): Promise<ApiToken> {
  return ensureToken(paths.apiToken)
}

/** The token of the gateway; whoever has it may ask the gateway for any host, and nothing else. As {@link ensureApiToken}. */
export function ensureGatewayToken(paths: DataPaths): Promise<ApiToken> {
  return ensureToken(paths.gatewayToken)
}

async function ensureToken(path: string): Promise<ApiToken> {
  const kept = await readToken(path)
  if (kept !== undefined) return kept
  const token = randomBytes(32).toString('hex')
  await writePrivateFile(path, token)
  return token
}

/** @returns undefined when there is none that can be read */
export async function readToken(path: string): Promise<ApiToken | undefined> {
  const bytes = await readPrivateFile(path, MAX_SMALL_FILE).catch((error: unknown) => {
    if (error instanceof RangeError) return undefined
    throw error
  })
  return ApiToken.safeParse(bytes?.toString('latin1').trim()).data
}

/** `agent.json` of the data folder; undefined when there is none that can be read. */
export async function readAgentFile(paths: DataPaths): Promise<AgentFile | undefined> {
  try {
    const bytes = await readPrivateFile(paths.agent, MAX_SMALL_FILE)
    return bytes && AgentFile.safeParse(JSON.parse(bytes.toString('utf8'))).data
  } catch {
    return undefined
  }
}

export async function writeAgentFile(paths: DataPaths, file: AgentFile): Promise<void> {
  await writePrivateFile(paths.agent, `${JSON.stringify(file)}\n`)
}

/** Removes `agent.json` unless another run has written it since. */
export async function removeAgentFile(paths: DataPaths, bootId: string): Promise<void> {
  const file = await readAgentFile(paths)
  if (file === undefined || file.bootId === bootId) await rm(paths.agent, { force: true })
}

/**
 * Takes the data folder for this run, until `release`. The system drops the lock with the process, however that ends, so
 * neither a stale `agent.json` nor a process number used again stands in the way.
 * @throws AGENT_ALREADY_RUNNING with the holder's `pid` (null while it is still starting), CACHE_UNUSABLE
 */
export async function lockDataDir(paths: DataPaths): Promise<FolderLock> {
  try {
    return lockFolder(paths.lock)
  } catch (error) {
    if (!hasCode(error, 'AGENT_ALREADY_RUNNING')) {
      throw new LarderError(
        'CACHE_UNUSABLE',
        `The data folder ${paths.root} cannot be locked (${error instanceof Error ? error.message : String(error)})`,
        { path: paths.root, cause: error }
      )
    }
    const pid = (await readAgentFile(paths))?.pid ?? null
    throw new LarderError(
      'AGENT_ALREADY_RUNNING',
      `An agent runs on ${paths.root} already${pid === null ? '' : ` (process ${pid})`}`,
      { pid, dataDir: paths.root, cause: error }
    )
  }
}
