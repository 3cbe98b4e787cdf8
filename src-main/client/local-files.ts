import { AgentFile, ApiToken } from '../contract/api.ts'
import type { DataPaths } from '../lib/data-paths.ts'
import { readPrivateFile } from '../lib/private-file.ts'

const MAX_SMALL_FILE = 4096

/** Where an agent listens, and what lets a program of this user in. */
export interface AgentAddress {
  readonly port: number
  readonly pid: number
  readonly token: ApiToken
  /** It serves all users of the PC, and writes no file for them. */
  readonly machine?: true
}

/** Reads `agent.json` and `api-token`; undefined when there is no agent that this user may talk to. */
export async function readAgentAddress(paths: DataPaths): Promise<AgentAddress | undefined> {
  const [agent, token] = await Promise.all([
    readText(paths.agent, MAX_SMALL_FILE),
    readText(paths.apiToken, MAX_SMALL_FILE)
  ])
  const file = AgentFile.safeParse(parseJson(agent)).data
  const known = ApiToken.safeParse(token?.trim()).data
  return file && known !== undefined ? { port: file.apiPort, pid: file.pid, token: known } : undefined
}

async function readText(path: string, maxBytes: number): Promise<string | undefined> {
  try {
    return (await readPrivateFile(path, maxBytes))?.toString('utf8')
  } catch {
    return undefined
  }
}

function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    return undefined
  }
}
