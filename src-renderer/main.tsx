// oxlint-disable-next-line import/no-unassigned-import
import './zod-without-eval.ts'
import { createRoot } from 'react-dom/client'
import type { LarderBridge } from '../src-main/contract/commands.ts'
import { createHttpBridge } from './agent/http-bridge.ts'
import { createMirror } from './agent/mirror.ts'
import { openSession } from './agent/session.ts'
import { createWindowClock } from './agent/window-clock.ts'
import { App } from './app.tsx'

async function openBridge(): Promise<LarderBridge> {
  return window.larder ?? createHttpBridge(await openSession(window))
}

const bridge = await openBridge()
createRoot(document.getElementById('root')!).render(
  <App bridge={bridge} mirror={createMirror(bridge)} clock={createWindowClock()} />
)
