import { createPublicKey, verify } from 'node:crypto'
import { lstatSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { ApiToken, proofMessage } from '../contract/api.ts'
import { MachineAgentFile } from '../contract/machine.ts'
import type { DataPaths } from '../lib/data-paths.ts'
import { doorFileName, leaveAtDoor } from '../lib/door-file.ts'
import { machineAgentFile, whyNotMachineAgent } from '../lib/machine-place.ts'
import { makeFolder } from '../lib/make-folder.ts'
import { readPrivateFile, writePrivateFile } from '../lib/private-file.ts'

const MAX_FILE_BYTES = 8192

const KeptToken = z.object({ publicKey: z.string(), token: ApiToken })

/** The agent that serves all users of this PC, as its place tells of it; undefined: there is none that can be believed. */
export async function readMachineAgent(place: string): Promise<MachineAgentFile | undefined> {
  try {
    if (whyNotMachineAgent(place) !== null) return undefined
    const bytes = await readFile(machineAgentFile(place))
    if (bytes.length > MAX_FILE_BYTES) return undefined
    return MachineAgentFile.safeParse(JSON.parse(bytes.toString('utf8'))).data
  } catch {
    return undefined
  }
}

/** Whether the listener has signed the challenge with the key of its file. */
export function isSigned(
  file: Pick<MachineAgentFile, 'publicKey' | 'apiPort'>,
  challenge: string,
  signature: string
): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(file.publicKey, 'base64'), format: 'der', type: 'spki' })
    const message = Buffer.from(proofMessage(challenge, file.apiPort))
    return key.asymmetricKeyType === 'ec' && verify('sha256', message, key, Buffer.from(signature, 'hex'))
  } catch {
    return false
  }
}

/** Tokens of this process that nobody keeps, by the key of the agent they are for. */
const ofThisProcess = new Map<string, Promise<string>>()

/**
 * What this user shows the agent, once it has proved itself. One for all programs of the user as long as the agent runs; root, who
 * may be at work in somebody else's home, keeps none.
 * @throws the system's error
 */
export async function tokenFor(agent: MachineAgentFile, paths: DataPaths): Promise<string> {
  const kept = await keptToken(agent, paths)
  if (kept !== undefined) return kept
  let token = ofThisProcess.get(agent.publicKey)
  if (!token) ofThisProcess.set(agent.publicKey, (token = leave(agent, paths)))
  try {
    return await token
  } catch (error) {
    ofThisProcess.delete(agent.publicKey)
    throw error
  }
}

async function leave(agent: MachineAgentFile, paths: DataPaths): Promise<string> {
  const token = await leaveAtDoor(agent.door)
  if (!(await keep(agent, paths, token))) {
    const file = join(agent.door, doorFileName(token))
    process.once('exit', () => rmSync(file, { force: true }))
  }
  return token
}

async function keptToken(agent: MachineAgentFile, paths: DataPaths): Promise<string | undefined> {
  try {
    const bytes = await readPrivateFile(paths.machineToken, MAX_FILE_BYTES)
    const kept = bytes && KeptToken.parse(JSON.parse(bytes.toString('utf8')))
    if (!kept || kept.publicKey !== agent.publicKey) return undefined
    // Another's file at the door would make this user speak in another's name.
    return isOwn(join(agent.door, doorFileName(kept.token))) ? kept.token : undefined
  } catch {
    return undefined
  }
}

async function keep({ publicKey }: MachineAgentFile, paths: DataPaths, token: string): Promise<boolean> {
  if (process.geteuid?.() === 0) return false
  try {
    await makeFolder(dirname(paths.machineToken))
    if (!isOwn(dirname(paths.machineToken))) return false
    await writePrivateFile(paths.machineToken, JSON.stringify({ publicKey, token }))
    return true
  } catch {
    return false
  }
}

const isOwn = (path: string): boolean => lstatSync(path).uid === process.geteuid?.()
