import { createStore, type StoreApi } from 'zustand/vanilla'
import type { AgentStatus, LarderBridge, SnapshotMessage } from '../../src-main/contract/commands.ts'
import { afterNews } from '../../src-main/contract/snapshot-change.ts'
import type { SnapshotNews } from '../../src-main/contract/snapshot-message.ts'
import type { AgentSnapshot } from '../../src-main/contract/snapshot.ts'
import { addReading, STEP_MS, withFormer, type ThroughputHistory } from './throughput.ts'

/** Silence after which the mirror asks by itself, ms. A quiet agent has nothing to tell. */
export const ASK_AFTER_MS = 3000
/** Silence after which what is shown may be wrong, ms. */
export const STALE_AFTER_MS = 5000
/** Silence after which the agent is taken for gone, ms. */
export const GONE_AFTER_MS = 15_000
const TICK_MS = 1000

/**
 *     connecting ──► live ◄──► stale ──► disconnected ──► live
 *          └───────────────────────────────▲
 *     otherVersion is reached from everywhere when the agent says what this window cannot read, and left when it can again.
 *     signedOut is reached from everywhere when the agent no longer accepts this window, and left only by a new link.
 */
export type Link = 'connecting' | 'live' | 'stale' | 'disconnected' | 'otherVersion' | 'signedOut'

/** What this window knows of the agent. */
export interface MirrorState {
  readonly link: Link
  readonly status: AgentStatus | null
  /** The newest one; kept while the agent is silent, so that the window can show it as old. */
  readonly snapshot: AgentSnapshot | null
  readonly verifying: SnapshotMessage['verifying']
  /** When the agent was last heard; wall clock, ms since 1970. */
  readonly heardAt: number | null
  readonly throughput: ThroughputHistory | null
}

export interface Mirror {
  readonly store: StoreApi<MirrorState>
  /** Begins to listen. @returns how to end it */
  start(): () => void
  /** This window has been signed out: nothing of what it knew stays. */
  signedOut(): void
}

/** Wall clock and timer of the window; tests put their own. */
export interface MirrorTime {
  now(): number
  every(ms: number, task: () => void): () => void
}

export const windowTime: MirrorTime = {
  now: () => Date.now(),
  every: (ms, task) => {
    const timer = setInterval(task, ms)
    return () => clearInterval(timer)
  }
}

export const emptyMirror: MirrorState = {
  link: 'connecting',
  status: null,
  snapshot: null,
  verifying: null,
  heardAt: null,
  throughput: null
}

/** Keeps the newest state of the agent behind `bridge`. */
export function createMirror(bridge: LarderBridge, time: MirrorTime = windowTime): Mirror {
  const store = createStore<MirrorState>()(() => emptyMirror)
  let newest: SnapshotMessage | null = null
  const endedRuns = new Set<string>()
  /** Silence while this window ran, ms. Time it slept through does not count. */
  let silentMs = 0
  let lastTickAt = 0
  let asking = false
  let stopped = true

  const take = (news: SnapshotNews) => {
    if (store.getState().link === 'signedOut') return
    const isOld = endedRuns.has(news.run) || (news.run === newest?.run && news.n <= newest.n)
    const message = isOld ? null : afterNews(newest, news)
    // It builds on what this window missed, hidden or not yet there: the whole is asked for.
    if (!isOld && message === null) return void askForNews()
    silentMs = 0
    const heard = { link: 'live', heardAt: time.now() } as const
    if (message === null) return store.setState(heard)
    if (newest !== null && newest.run !== message.run) endedRuns.add(newest.run)
    newest = message
    // A stopped agent sends no snapshot; the last one stays, drawn as old.
    store.setState({
      ...heard,
      status: message.status,
      snapshot: message.snapshot ?? store.getState().snapshot,
      verifying: message.verifying
    })
  }

  const askForNews = async () => {
    if (asking) return
    asking = true
    try {
      const answer = await bridge.invoke({ c: 'snapshot.get' })
      if (stopped) return
      if (answer.ok) take(answer.value)
      else if (answer.error.code === 'TOKEN_INVALID') store.setState({ link: 'signedOut' })
      else if (answer.error.code === 'AGENT_UNSUPPORTED') store.setState({ link: 'otherVersion' })
      else if (answer.error.code === 'AGENT_NOT_RUNNING') store.setState({ link: 'disconnected' })
    } catch {
      // Silence goes on and tells it.
    } finally {
      asking = false
    }
  }

  /** What this window did not see of a run: before it was opened. */
  const askForTraffic = async (bootId: string) => {
    try {
      const answer = await bridge.invoke({ c: 'traffic.history' })
      const { throughput } = store.getState()
      if (stopped || !answer.ok || throughput?.bootId !== bootId) return
      store.setState({ throughput: withFormer(throughput, answer.value.points) })
    } catch {
      // The chart begins with what is seen from now on.
    }
  }

  const tick = () => {
    const now = time.now()
    silentMs += Math.min(Math.max(0, now - lastTickAt), 2 * TICK_MS)
    lastTickAt = now
    const { link, snapshot, throughput, status } = store.getState()
    if (snapshot !== null && link === 'live' && status?.state === 'running') {
      const next = addReading(throughput, snapshot.bootId, snapshot.traffic, now)
      if (next !== throughput) store.setState({ throughput: next })
      if (next.bootId !== throughput?.bootId) void askForTraffic(next.bootId)
    }
    if (link === 'signedOut') return
    if (silentMs >= ASK_AFTER_MS) void askForNews()
    if (link === 'otherVersion') return
    if (silentMs >= GONE_AFTER_MS) store.setState({ link: 'disconnected' })
    else if (silentMs >= STALE_AFTER_MS && link === 'live') store.setState({ link: 'stale' })
  }

  return {
    store,
    signedOut: () => {
      newest = null
      store.setState({ ...emptyMirror, link: 'signedOut' })
    },
    start: () => {
      stopped = false
      silentMs = 0
      lastTickAt = time.now()
      const endListening = bridge.onSnapshot(take)
      const endTicking = time.every(Math.min(TICK_MS, STEP_MS), tick)
      void askForNews()
      return () => {
        stopped = true
        endListening()
        endTicking()
      }
    }
  }
}
