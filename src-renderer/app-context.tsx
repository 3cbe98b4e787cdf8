import { createContext, useCallback, useContext, useMemo, useState } from 'react'
import { useStore } from 'zustand'
import type { AppInfo, CommandInput, CommandName, CommandResult, LarderBridge } from '../src-main/contract/commands.ts'
import type { ErrorView } from '../src-main/contract/errors.ts'
import type { AgentSnapshot } from '../src-main/contract/snapshot.ts'
import { ask, failureOf } from './agent/bridge.ts'
import type { Mirror, MirrorState } from './agent/mirror.ts'
import type { Session } from './agent/session.ts'
import type { createWindowClock } from './agent/window-clock.ts'

export type ViewName = 'overview' | 'downloads' | 'site' | 'cache' | 'events' | 'settings'

/** What is told to the person after an action. */
export interface Notice {
  readonly intent: 'success' | 'error' | 'info'
  readonly title: string
  readonly body?: string
  /** Takes back what the notice tells of. */
  readonly undo?: () => void
}

export interface AppParts {
  readonly bridge: LarderBridge
  readonly mirror: Mirror
  readonly clock: ReturnType<typeof createWindowClock>
  /** Of a window in a browser. */
  readonly session?: Pick<Session, 'signOut'> | undefined
}

export interface AppContextValue extends Omit<AppParts, 'session'> {
  /** Null until the agent has said what works here. */
  readonly info: AppInfo | null
  notify(notice: Notice): void
  /** Null where nobody signs in: in the tray application. */
  readonly signOut: (() => Promise<void>) | null
  /** What the view was opened about: words its search begins with. */
  readonly about: string
  go(view: ViewName, about?: string): void
}

export const AppContext = createContext<AppContextValue | null>(null)

export function useApp(): AppContextValue {
  const value = useContext(AppContext)
  if (value === null) throw new Error('Not inside the window')
  return value
}

/** A part of what this window knows of the agent. Drawn again only when that part changes. */
export function useMirror<T>(select: (state: MirrorState) => T): T {
  return useStore(useApp().mirror.store, select)
}

/** A part of the newest snapshot; only for what is drawn once there is one. */
export function useSnapshot<T>(select: (snapshot: AgentSnapshot) => T): T {
  return useMirror(({ snapshot }) => {
    if (snapshot === null) throw new Error('Drawn before there was a snapshot')
    return select(snapshot)
  })
}

/** A text or number that depends on the time; drawn again only when it changes. */
export function useNow<T extends string | number | boolean>(select: (now: number) => T): T {
  return useStore(useApp().clock.store, ({ now }) => select(now))
}

/** Whether a command works in this runtime. Until that is known it is taken to. */
export function useCan(command: CommandName): boolean {
  const { info } = useApp()
  return info === null || info.commands.includes(command)
}

/** Whether the agent hears this window now: what it is told while it does not is lost. */
export function useLive(): boolean {
  return useMirror((s) => s.link === 'live' && s.status?.state === 'running')
}

export interface Action {
  readonly busy: boolean
  /** Sends a command and tells how it ended: `done` makes the notice of success. Null: it failed, and that was told. */
  run<I extends CommandInput>(
    command: I,
    done?: (value: CommandResult<I['c']>) => Notice | null
  ): Promise<CommandResult<I['c']> | null>
}

/** Sends commands and tells how they ended. */
export function useAction(): Action {
  const { bridge, notify } = useApp()
  const [pending, setPending] = useState(0)
  const run = useCallback(
    async <I extends CommandInput>(command: I, done?: (value: CommandResult<I['c']>) => Notice | null) => {
      setPending((count) => count + 1)
      try {
        const value = await ask(bridge, command)
        const notice = done?.(value) ?? null
        if (notice !== null) notify(notice)
        return value
      } catch (error) {
        notify(failureNotice(failureOf(error)))
        return null
      } finally {
        setPending((count) => count - 1)
      }
    },
    [bridge, notify]
  )
  return useMemo(() => ({ busy: pending > 0, run }), [pending, run])
}

export function failureNotice(error: ErrorView): Notice {
  return { intent: 'error', title: error.message, body: error.next }
}
