import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AgentEvent } from '../src-main/contract/events.ts'
import { finalRequestStates, type RequestView } from '../src-main/contract/request.ts'
import type { AgentProcess } from './agent-process.ts'
import { lastOriginByteAt, takeoverSeconds, type OriginStats, type RunFigures } from './figures.ts'
import type { OriginFile, OriginProcess } from './origin-process.ts'
import type { RunScope } from './run-scope.ts'
import { usageOf } from './usage.ts'

/** One agent while a run goes on. */
export interface AgentProgress {
  readonly name: string
  readonly state: 'asked' | 'working' | 'done' | 'failed' | 'killed'
  readonly role: RequestView['role']
  readonly totalBytes: number
  readonly haveBytes: number
  readonly originBytes: number
  readonly peerBytes: number
  readonly rateBytesPerSecond: number
  /** Why it failed, or what it is doing. */
  readonly note: string
}

export interface SiteProgress {
  /** Since the first agent was asked. */
  readonly seconds: number
  readonly agents: readonly AgentProgress[]
}

export interface SitePlan {
  readonly agents: readonly AgentProcess[]
  readonly origin: OriginProcess
  /** Kills the master as soon as this says so. */
  readonly killWhen?: (progress: SiteProgress) => boolean
  readonly onProgress?: (progress: SiteProgress) => void
  /** The kill has happened. */
  readonly onKill?: (name: string) => void
  /** The origin sends to a new master; seconds since the kill. */
  readonly onTakeover?: (seconds: number) => void
  /** Limit of each request, ms. */
  readonly timeoutMs: number
  readonly pollMs?: number
}

export interface AgentOutcome {
  readonly name: string
  readonly killed: boolean
  readonly doneSeconds: number | null
  /** From a request to its first byte, the longest; what an election and a hub cost. */
  readonly firstByteMs: number | null
  readonly originBytes: number
  readonly peerBytes: number
  /** Part of them that came from other subnets. */
  readonly farBytes: number
  readonly peakRssMiB: number | null
  readonly cpuSeconds: number | null
  readonly eventLoopP99Ms: number | null
  readonly wrongFiles: number
  /** Codes of failed requests and reasons of those that did not come from peers, each once. */
  readonly notes: readonly string[]
}

export interface SiteOutcome {
  readonly figures: RunFigures
  readonly perAgent: readonly AgentOutcome[]
  readonly origin: OriginStats
  readonly killed: string | null
}

/** An agent with what is known of its requests. A killed agent keeps what was last known. */
interface Participant {
  readonly agent: AgentProcess
  readonly dir: string
  readonly before: { cpuSeconds: number }
  requests: Map<string, RequestView>
  killed: boolean
  /** When its list of requests was read last, ms. */
  readAt: number
  /** What a killed agent had reported before its end. */
  lastEvents: AgentEvent[]
}

const ASK_AT_ONCE = 16
const SHORT_LIST = 10
const LONG_LIST_MS = 5000

/** Asks all agents for all files of the origin at once, follows them to their end and compares every file with the origin's. */
export async function runSite(scope: RunScope, plan: SitePlan): Promise<SiteOutcome> {
  const participants = await Promise.all(
    plan.agents.map(async (agent): Promise<Participant> => ({
      agent,
      dir: scope.folder(`${agent.name}-files`),
      before: { cpuSeconds: usageOf(agent.pid, await agent.snapshot())?.cpuSeconds ?? 0 },
      requests: new Map(),
      killed: false,
      readAt: 0,
      lastEvents: []
    }))
  )
  await plan.origin.reset()
  const askedAt = Date.now()
  await Promise.all(participants.map((participant) => askForAll(participant, plan)))
  const kill = await follow(participants, plan, askedAt)
  const origin = await plan.origin.stats()
  const perAgent = await Promise.all(
    participants.map((participant) => outcomeOf(participant, plan.origin.files, askedAt))
  )
  const electionAt = await firstElectionAt(participants, askedAt)
  const totalBytes = plan.origin.files.reduce((sum, file) => sum + file.bytes, 0)
  const alive = perAgent.filter((agent) => !agent.killed)
  const done = alive.map((agent) => agent.doneSeconds).filter((seconds) => seconds !== null)
  const lastSeconds = Math.max(0, ...done)
  const lastByteAt = lastOriginByteAt(origin)
  const peak = (pick: (agent: AgentOutcome) => number | null) =>
    Math.max(0, ...perAgent.map((agent) => pick(agent) ?? 0))
  return {
    figures: {
      originRatio: origin.contentBytes / totalBytes,
      firstSeconds: done.length > 0 ? Math.min(...done) : 0,
      lastSeconds,
      lagSeconds: lastByteAt === null ? 0 : Math.max(0, lastSeconds - (lastByteAt - askedAt) / 1000),
      takeoverSeconds: kill ? takeoverSeconds(origin, kill.at) : null,
      killedAtSeconds: kill ? (kill.at - askedAt) / 1000 : null,
      wrongFiles: perAgent.reduce((sum, agent) => sum + agent.wrongFiles, 0),
      failedRequests: participants
        .filter((participant) => !participant.killed)
        .reduce(
          (sum, { requests }) =>
            sum +
            plan.origin.files.length -
            [...requests.values()].filter((request) => request.state === 'done').length,
          0
        ),
      cpuSecondsPerGiB:
        perAgent.reduce((sum, agent) => sum + (agent.cpuSeconds ?? 0), 0) / ((totalBytes * alive.length) / 1024 ** 3),
      peakRssMiB: peak((agent) => agent.peakRssMiB),
      eventLoopP99Ms: peak((agent) => agent.eventLoopP99Ms),
      electionMs: electionAt === null ? null : electionAt - askedAt
    },
    perAgent,
    origin,
    killed: kill?.name ?? null
  }
}

async function askForAll(participant: Participant, plan: SitePlan): Promise<void> {
  const waiting = [...plan.origin.files]
  const askInTurn = async (): Promise<void> => {
    for (let file = waiting.shift(); file; file = waiting.shift()) {
      const view = await participant.agent.ask({
        url: plan.origin.url + file.path,
        destination: destinationOf(participant.dir, file),
        timeoutMs: plan.timeoutMs
      })
      participant.requests.set(view.id, view)
    }
  }
  await Promise.all(Array.from({ length: Math.min(ASK_AT_ONCE, waiting.length) }, askInTurn))
}

/** Polls until every request has ended. @returns the kill, when there was one */
async function follow(
  participants: readonly Participant[],
  plan: SitePlan,
  askedAt: number
): Promise<{ name: string; at: number } | null> {
  let kill: { name: string; at: number } | null = null
  let takenOver = false
  const totalBytes = plan.origin.files.reduce((sum, file) => sum + file.bytes, 0)
  // The agents end requests by themselves at their limit; this is for an agent that does not.
  const until = askedAt + plan.timeoutMs + 30_000
  for (;;) {
    await Promise.all(participants.map((participant) => refresh(participant)))
    const progress: SiteProgress = {
      seconds: (Date.now() - askedAt) / 1000,
      agents: participants.map((participant) => progressOf(participant, totalBytes))
    }
    plan.onProgress?.(progress)
    if (!kill && plan.killWhen?.(progress)) {
      await Promise.all(participants.map((participant) => refresh(participant, 'now')))
      const master = participants.find((participant) => isMaster(participant))
      if (master) {
        master.lastEvents = await master.agent.events()
        master.agent.kill()
        master.killed = true
        kill = { name: master.agent.name, at: Date.now() }
        plan.onKill?.(master.agent.name)
      }
    }
    if (kill && plan.onTakeover && !takenOver) {
      const seconds = takeoverSeconds(await plan.origin.stats(), kill.at)
      takenOver = seconds !== null
      if (seconds !== null) plan.onTakeover(seconds)
    }
    if (participants.every((participant) => participant.killed || [...participant.requests.values()].every(hasEnded)))
      return kill
    if (Date.now() > until) return kill
    await sleep(plan.pollMs ?? 200)
  }
}

async function refresh(participant: Participant, mode: 'sparing' | 'now' = 'sparing'): Promise<void> {
  if (participant.killed || [...participant.requests.values()].every(hasEnded)) return
  const { agent } = participant
  if (agent.ended) throw new Error(`${agent.name} ended by itself; its log is in ${agent.dataDir}`)
  // A long list costs the agent more than the downloads it tells about; whether one is running is told cheaply.
  const long = participant.requests.size > SHORT_LIST
  if (
    long &&
    mode === 'sparing' &&
    Date.now() - participant.readAt < LONG_LIST_MS &&
    (await agent.requestsRunning()) > 0
  )
    return
  for (const view of await agent.requests()) {
    if (participant.requests.has(view.id)) participant.requests.set(view.id, view)
  }
  participant.readAt = Date.now()
}

const hasEnded = (request: RequestView): boolean => finalRequestStates.includes(request.state)

const isMaster = (participant: Participant): boolean =>
  [...participant.requests.values()].some((request) => request.role === 'master' && !hasEnded(request))

function progressOf(participant: Participant, totalBytes: number): AgentProgress {
  const requests = [...participant.requests.values()]
  const sum = (pick: (request: RequestView) => number) => requests.reduce((total, request) => total + pick(request), 0)
  const failed = requests.find((request) => request.state === 'failed' || request.state === 'cancelled')
  const ended = requests.every(hasEnded)
  const busy = requests.find((request) => !hasEnded(request))
  return {
    name: participant.agent.name,
    state: participant.killed
      ? 'killed'
      : ended
        ? failed
          ? 'failed'
          : 'done'
        : requests.some((request) => request.haveBytes > 0)
          ? 'working'
          : 'asked',
    role:
      requests.find((request) => request.role === 'master' && !hasEnded(request))?.role ??
      busy?.role ??
      requests[0]?.role ??
      'none',
    totalBytes,
    haveBytes: sum((request) => request.haveBytes),
    originBytes: sum((request) => request.split.originBytes),
    peerBytes: sum((request) => request.split.peerBytes),
    rateBytesPerSecond: participant.killed || ended ? 0 : sum((request) => request.rateBytesPerSecond),
    note: failed?.error ? failed.error.code : (busy?.state ?? '')
  }
}

async function outcomeOf(
  participant: Participant,
  files: readonly OriginFile[],
  askedAt: number
): Promise<AgentOutcome> {
  const { agent, killed } = participant
  const requests = [...participant.requests.values()]
  const snapshot = killed ? null : await agent.snapshot()
  const usage = killed ? null : usageOf(agent.pid, snapshot)
  const ends = requests.map((request) => request.finishedAt)
  const sum = (pick: (request: RequestView) => number) => requests.reduce((total, request) => total + pick(request), 0)
  const notes = requests.flatMap((request) => [
    ...(request.error && !killed ? [request.error.code] : []),
    ...request.reasons.map((reason) => reason.code)
  ])
  return {
    name: agent.name,
    killed,
    doneSeconds: killed || ends.includes(null) ? null : (Math.max(...ends.map((at) => at ?? 0)) - askedAt) / 1000,
    firstByteMs: killed ? null : Math.max(0, ...requests.map((request) => request.firstByteMs ?? 0)),
    originBytes: sum((request) => request.split.originBytes),
    peerBytes: sum((request) => request.split.peerBytes),
    farBytes: (snapshot?.peers ?? []).reduce((all, { far, receivedBytes }) => all + (far ? receivedBytes : 0), 0),
    peakRssMiB: usage && usage.peakRssBytes / 1024 ** 2,
    cpuSeconds: usage && usage.cpuSeconds - participant.before.cpuSeconds,
    eventLoopP99Ms: snapshot && snapshot.process.eventLoopP99Ms,
    wrongFiles: await countWrong(participant, files),
    notes: [...new Set(notes)]
  }
}

/** Files that are not the origin's. A survivor must have them all; a killed agent may miss them, but not have a wrong one. */
async function countWrong(participant: Participant, files: readonly OriginFile[]): Promise<number> {
  let wrong = 0
  for (const file of files) {
    const destination = destinationOf(participant.dir, file)
    if (!existsSync(destination)) wrong += participant.killed ? 0 : 1
    else if ((await sha256Of(destination)) !== file.sha256) wrong++
  }
  return wrong
}

export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), hash)
  return hash.digest('hex')
}

function destinationOf(dir: string, file: OriginFile): string {
  return path.join(dir, path.basename(file.path))
}

async function firstElectionAt(participants: readonly Participant[], askedAt: number): Promise<number | null> {
  const events = await Promise.all(
    participants.map(async (participant) =>
      participant.killed ? participant.lastEvents : await participant.agent.events()
    )
  )
  const times = events.flat().filter((event) => event.type === 'masterElected' && event.at >= askedAt)
  return times.length === 0 ? null : Math.min(...times.map((event) => event.at))
}
