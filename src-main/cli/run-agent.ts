import { createAgent } from '../agent/create-agent.ts'
import { loadSettings } from '../agent/settings-file.ts'
import { runLocalAgent } from '../api/local-agent.ts'
import { LARDER_VERSION } from '../contract/version.ts'
import { dataPaths, defaultDataDir } from '../lib/data-paths.ts'
import { SettingsBook } from '../window/setting-views.ts'
import { settingsOfOptions, type AgentOptions } from './agent-options.ts'
import type { Output } from './output.ts'
import { rendererDir } from './renderer-dir.ts'

/** Exit code of a process that was told twice to stop. */
const TOLD_TWICE = 130
const SAME_SIGNAL_MS = 300

/** Runs an agent until the process is told to stop. */
export async function runAgent(options: AgentOptions, output: Output): Promise<void> {
  const paths = dataPaths(options.dataDir ?? defaultDataDir())
  const commandLine = settingsOfOptions(options)
  const { unknown } = loadSettings(paths, commandLine)
  const book = new SettingsBook(paths, null, commandLine)
  const settings = book.forAgent()
  for (const { name, place } of unknown) output.note(`larder: ${name} in ${place} is not a setting of this release; it is ignored`)

  const told = toldToStop()
  const running = await runLocalAgent({ dataDir: paths.root, settings, createAgent, ...(options.name !== undefined && { name: options.name }), ...(settings.ui.browser && { ui: { rendererDir: rendererDir(), settings: book } }) })
  const { agentId, name, ports } = running.agent.snapshot()
  output.result(
    { ready: true, pid: process.pid, apiPort: running.apiPort, peerPort: ports.peer, ...(running.gatewayPort !== null && { gatewayPort: running.gatewayPort }), id: agentId, dataDir: running.paths.root, ...(settings.ui.browser && { ui: true }) },
    () => `Larder ${LARDER_VERSION} is ready as ${name}: local API on 127.0.0.1:${running.apiPort}, ${ports.peer === null ? 'no peers' : `peers on port ${ports.peer}`}${running.gatewayPort === null ? '' : `, gateway on 127.0.0.1:${running.gatewayPort}`}, data in ${running.paths.root}`
  )
  // The link itself is never said here: what an agent says is often kept in a journal.
  if (settings.ui.browser) output.note('`larder ui` opens its window in the browser')
  await told
  await running.stop()
}

/** Settles at the first SIGINT or SIGTERM; a second one ends the process at once. */
function toldToStop(): Promise<void> {
  return new Promise((settle) => {
    let firstMs: number | undefined
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        firstMs ??= performance.now()
        // The same signal may come again at once: the library under `conf` raises it once more after tidying up, and a
        // terminal sends Ctrl+C to a whole group of processes.
        if (performance.now() - firstMs > SAME_SIGNAL_MS) process.exit(TOLD_TWICE)
        settle()
      })
    }
  })
}
