// oxlint-disable-next-line import/no-unassigned-import
import './zod-without-eval.ts'
import { createRoot } from 'react-dom/client'
import type { LarderBridge } from '../src-main/contract/commands.ts'
import { createHttpBridge } from './agent/http-bridge.ts'
import { createMirror } from './agent/mirror.ts'
import { openSession, type Session } from './agent/session.ts'
import { createWindowClock } from './agent/window-clock.ts'
import { App } from './app.tsx'

async function open(): Promise<{ bridge: LarderBridge; session?: Session }> {
  if (window.larder) return { bridge: window.larder }
  const session = await openSession(window)
  return { bridge: createHttpBridge(session), session }
}

const { bridge, session } = await open()
createRoot(document.getElementById('root')!).render(
  <App bridge={bridge} mirror={createMirror(bridge)} clock={createWindowClock()} session={session} />
)
