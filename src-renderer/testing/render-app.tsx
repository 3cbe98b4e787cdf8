// oxlint-disable-next-line import/no-unassigned-import
import './setup.ts'
import { render, type RenderResult } from '@testing-library/react'
import { createMirror } from '../agent/mirror.ts'
import { createWindowClock } from '../agent/window-clock.ts'
import { App } from '../app.tsx'
import type { AppParts, ViewName } from '../app-context.tsx'
import { createFixtureBridge, type FixtureAgent, type FixtureBridge } from './fixture-bridge.ts'
import { FIXTURE_NOW } from './snapshots.ts'

export interface RenderedApp extends RenderResult {
  readonly bridge: FixtureBridge
  /** Lets a second of the mirror's time pass. */
  tick(): void
}

/** The whole window on a pretended agent, at the fixtures' moment. */
export function renderApp(
  agent: FixtureAgent,
  view: ViewName = 'overview',
  session?: AppParts['session']
): RenderedApp {
  const bridge = createFixtureBridge(agent)
  let now = FIXTURE_NOW
  const ticks = new Set<() => void>()
  const mirror = createMirror(bridge, {
    now: () => now,
    every: (_, task) => {
      ticks.add(task)
      return () => ticks.delete(task)
    }
  })
  const result = render(
    <App
      bridge={bridge}
      mirror={mirror}
      clock={createWindowClock(() => now)}
      session={session}
      startView={view}
      theme="light"
    />
  )
  return Object.assign(result, {
    bridge,
    tick: () => {
      now += 1000
      for (const task of ticks) task()
    }
  })
}
