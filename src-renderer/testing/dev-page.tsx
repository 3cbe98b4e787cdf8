// oxlint-disable-next-line import/no-unassigned-import
import '../zod-without-eval.ts'
import { createRoot } from 'react-dom/client'
import { createMirror } from '../agent/mirror.ts'
import { createWindowClock } from '../agent/window-clock.ts'
import { App } from '../app.tsx'
import { viewNames } from '../shell/nav-rail.tsx'
import { createFixtureBridge } from './fixture-bridge.ts'
import { fixtures, type FixtureName } from './fixtures.ts'
import { stepOf, FIXTURE_NOW } from './snapshots.ts'

/**
 * The window on fixture data: `?fixture=busy&view=downloads&theme=dark&live=1`.
 * `live=1` lets the transfers run, ten snapshots a second. Time stands at the fixtures' moment unless it runs.
 */
const options = new URLSearchParams(location.search)
const name = (options.get('fixture') ?? 'everyday') as FixtureName
const live = options.get('live') === '1'
const theme = options.get('theme')
const make = fixtures[name]
if (make === undefined) throw new Error(`No fixture ${name}; there are ${Object.keys(fixtures).join(', ')}`)

const agent = make()
const bridge = createFixtureBridge(agent)
const startedAt = Date.now()
const now = live || name === 'stale' ? () => Date.now() - startedAt + FIXTURE_NOW : () => FIXTURE_NOW
const clock = createWindowClock(now)
const mirror = createMirror(bridge, {
  now,
  every: (ms, task) => {
    const timer = setInterval(task, ms)
    return () => clearInterval(timer)
  }
})

// Throughput of a few minutes, as if the window had been open.
if (agent.snapshot !== null && agent.snapshot.requests.some((r) => r.state === 'active')) {
  const points = Array.from({ length: 240 }, (_, i) => {
    const wave = Math.sin(i / 17) + Math.sin(i / 5) / 3
    return {
      at: FIXTURE_NOW - (240 - i) * 1000,
      origin: Math.max(0, 9 + 5 * wave) * 1024 ** 2,
      peersIn: Math.max(0, 34 + 16 * Math.sin(i / 29) + 3 * wave) * 1024 ** 2,
      peersOut: Math.max(0, 12 - 9 * Math.cos(i / 41)) * 1024 ** 2
    }
  })
  mirror.store.setState({
    throughput: { bootId: agent.snapshot.bootId, at: FIXTURE_NOW, counters: agent.snapshot.totals, points }
  })
}
if (live) setInterval(() => bridge.change(stepOf), 100)
if (name === 'stale' || name === 'disconnected') {
  // Heard once, then never again.
  agent.absent = false
  setTimeout(() => {
    agent.silent = name === 'stale'
    agent.absent = name === 'disconnected'
    if (name === 'disconnected') mirror.store.setState({ link: 'disconnected' })
  }, 300)
}
Object.assign(globalThis, { fixture: { bridge, mirror } })

new MutationObserver((_, observer) => {
  if (document.querySelector('h1') === null) return
  performance.mark('drawn')
  observer.disconnect()
}).observe(document.getElementById('root')!, { subtree: true, childList: true })

createRoot(document.getElementById('root')!).render(
  <App
    bridge={bridge}
    mirror={mirror}
    clock={clock}
    startView={viewNames.find((view) => view === options.get('view'))}
    theme={theme === 'light' || theme === 'dark' ? theme : undefined}
  />
)
