import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { proofMessage, type VersionView } from '../contract/api.ts'
import { SUPPORTED_API } from '../contract/version.ts'
import { dataPaths, defaultDataDir, type DataPaths } from '../lib/data-paths.ts'
import { LarderError, systemCode } from '../lib/errors.ts'
import { machinePlace } from '../lib/machine-place.ts'
import { AgentHttp } from './agent-http.ts'
import { readAgentAddress, type AgentAddress } from './local-files.ts'
import { isSigned, readMachineAgent, tokenFor } from './machine-agent.ts'

/** How long a listener has to say what it is, ms. */
export interface DetectWaits {
  /** The process of the agent is gone: then nobody is there. */
  readonly processGoneMs: number
  /** It lives: then it is busy. A PC that starts fifty programs at once takes a while. */
  readonly processLivesMs: number
}
const WAITS: DetectWaits = { processGoneMs: 2000, processLivesMs: 15_000 }

export interface DetectOptions {
  /** Data folder of the agent. By default the agent of all users of this PC is asked, else that of this user (`LARDER_DATA_DIR`). */
  readonly dataDir?: string
  /** What the program is called, for people who look who asked: `inventory/2.1`. Characters that no User-Agent may have are replaced. */
  readonly program?: string
  /** Versions of the local API the caller works with, both ends included. */
  readonly supported?: { readonly min: number; readonly max: number }
  /** Instead of the machine policy file; for tests of programs that use this library. */
  readonly policyFile?: string
  /** Where the agent of all users is looked for, whatever data folder is named; null: nowhere. For the same tests. */
  readonly machinePlace?: string | null
}

/** What a program finds on this PC. */
export interface Detection {
  /** `supported`: it can be asked. `integration-off`: it runs but does not serve programs. `busy`: it runs but does not answer. */
  readonly state: 'supported' | 'unsupported' | 'absent' | 'integration-off' | 'busy'
  /** Release of the agent; null when absent or busy. */
  readonly version: string | null
  readonly apiVersion: number | null
  /** Longest wait before a direct download as the agent knows it, seconds; null when absent. */
  readonly defaultStaggerRangeSeconds: number | null
  /** One sentence for a person. */
  readonly why: string
}

export interface DetectedAgent {
  readonly detection: Detection
  readonly paths: DataPaths
  /** There for an agent that can be talked to, whether or not its integration is on. */
  readonly address: AgentAddress | undefined
}

/** Finds out whether an agent of this user runs, has a supported version, and serves programs. Never throws. */
export async function detectAgent(options: DetectOptions = {}): Promise<Detection> {
  return (await findAgent(options)).detection
}

/** As if there were no agent, without looking. */
export function nobody(options: DetectOptions): DetectedAgent {
  return {
    paths: dataPaths(options.dataDir ?? defaultDataDir()),
    address: undefined,
    detection: absent('No agent was looked for.')
  }
}

export async function findAgent(options: DetectOptions, waits = WAITS): Promise<DetectedAgent> {
  const paths = dataPaths(options.dataDir ?? defaultDataDir())
  const machine = await findMachineAgent(placeOf(options), paths, waits)
  if (machine && 'view' in machine) return detected(options, paths, machine.address, machine.view)
  const address = await readAgentAddress(paths)
  if (!address)
    return {
      paths,
      address: undefined,
      detection: machine ? unanswered(machine.error) : absent('No agent is running for this user.')
    }
  try {
    return detected(options, paths, address, await askVersion(address, waits, hasToken(address)))
  } catch (error) {
    return { paths, address: undefined, detection: unanswered(error) }
  }
}

/** A named data folder means the agent in it. */
function placeOf({ machinePlace: given, dataDir }: DetectOptions): string | null {
  if (given !== undefined) return given
  return dataDir === undefined && !process.env['LARDER_DATA_DIR'] ? machinePlace() : null
}

type Found = { readonly address: AgentAddress; readonly view: VersionView }

/** @returns undefined when there is none; why not, when there seems to be one */
async function findMachineAgent(
  place: string | null,
  paths: DataPaths,
  waits: DetectWaits
): Promise<Found | { readonly error: unknown } | undefined> {
  const file = place === null ? undefined : await readMachineAgent(place)
  if (!file) return undefined
  try {
    const { apiPort: port, pid } = file
    const view = await askVersion({ port, pid }, waits, (told, challenge) =>
      isSigned(file, challenge, told.signature ?? '')
    )
    return { view, address: { port, pid, token: await tokenFor(file, paths), machine: true } }
  } catch (error) {
    return { error }
  }
}

function unanswered(error: unknown): Detection {
  const { code, message } = LarderError.from(error)
  return { ...absent(message), state: code === 'BUSY' ? 'busy' : 'absent' }
}

function detected(options: DetectOptions, paths: DataPaths, address: AgentAddress, view: VersionView): DetectedAgent {
  const supported = options.supported ?? SUPPORTED_API
  const found = {
    version: view.version,
    apiVersion: view.apiVersion,
    defaultStaggerRangeSeconds: view.integration.defaultStaggerRangeSeconds
  }
  if (view.apiVersion < supported.min || view.apiVersion > supported.max) {
    const why = `The agent ${view.version} speaks version ${view.apiVersion} of the local API; supported are ${supported.min} to ${supported.max}.`
    return { paths, address: undefined, detection: { ...found, state: 'unsupported', why } }
  }
  if (!view.integration.enabled)
    return {
      paths,
      address,
      detection: { ...found, state: 'integration-off', why: 'The integration is turned off on this PC.' }
    }
  return { paths, address, detection: { ...found, state: 'supported', why: `The agent ${view.version} is running.` } }
}

const absent = (why: string): Detection => ({
  state: 'absent',
  version: null,
  apiVersion: null,
  defaultStaggerRangeSeconds: null,
  why
})

/**
 * Asks the listener what it is. It must prove that it is the agent before a token is shown to it: after an agent has
 * ended, any user of this PC could listen at its port.
 */
async function askVersion(
  address: Pick<AgentAddress, 'port' | 'pid'>,
  waits: DetectWaits,
  isGenuine: (view: VersionView, challenge: string) => boolean
): Promise<VersionView> {
  const lives = isAlive(address.pid)
  const limitMs = lives ? waits.processLivesMs : waits.processGoneMs
  const challenge = randomBytes(32).toString('hex')
  let view: VersionView
  try {
    const signal = AbortSignal.timeout(limitMs)
    view = await new AgentHttp({ ...address, token: '' }).call('agent.version', { challenge }, { signal })
  } catch (error) {
    if (error instanceof LarderError) throw error
    const why = `The agent has not answered for ${limitMs / 1000} s.`
    throw new LarderError(lives ? 'BUSY' : 'AGENT_NOT_RUNNING', why, { cause: error })
  }
  if (!isGenuine(view, challenge))
    throw new LarderError('AGENT_NOT_RUNNING', 'What listens at the agent’s port is not the agent of this user.')
  return view
}

/** Whether what listens has the token of this user's agent. */
const hasToken =
  ({ token, port }: AgentAddress) =>
  ({ proof }: VersionView, challenge: string): boolean => {
    const expected = createHmac('sha256', token).update(proofMessage(challenge, port)).digest()
    const given = Buffer.from(proof ?? '', 'hex')
    return given.length === expected.length && timingSafeEqual(given, expected)
  }

/** Whether a process with this number exists; it may be another user's. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCode(error) === 'EPERM'
  }
}
