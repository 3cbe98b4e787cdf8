import { createAgent } from '../agent/create-agent.ts'
import { runLocalAgent } from '../api/local-agent.ts'
import { errorTable } from '../contract/errors.ts'
import type { SettingDetails } from '../contract/setting-details.ts'
import { LARDER_VERSION } from '../contract/version.ts'
import { systemClock } from '../lib/clock.ts'
import { findAgent } from '../client/detect.ts'
import { dataPaths, defaultDataDir, machineDataDir } from '../lib/data-paths.ts'
import { LarderError } from '../lib/errors.ts'
import { machinePlace } from '../lib/machine-place.ts'
import { commandLineValues } from '../settings/assignment.ts'
import { describeProblem } from '../settings/load-settings.ts'
import { LiveSettings } from '../settings/live-settings.ts'
import { diskFiles } from '../settings/settings-files.ts'
import { SettingsBook } from '../window/setting-views.ts'
import { settingsOfOptions, type AgentOptions } from './agent-options.ts'
import type { CliHost } from './cli-host.ts'
import type { Output } from './output.ts'
import { leave } from './leave.ts'
import { packageInstaller } from './update/package-installer.ts'
import { rendererDir } from './renderer-dir.ts'

/** Exit code of a process that was told twice to stop. */
const TOLD_TWICE = 130
const SAME_SIGNAL_MS = 300
/** Told to stop, the process has left after this long, whatever it is at. */
const LEAVE_MS = 5000

/** Runs an agent until the process is told to stop. */
export async function runAgent(options: AgentOptions, output: Output, host: CliHost): Promise<void> {
  const place = host.machinePlace ?? machinePlace()
  if (options.machine !== true) await assertNoMachineAgent(options, host)
  const paths = dataPaths(options.dataDir ?? (options.machine ? machineDataDir() : defaultDataDir()))
  const settings = new LiveSettings({
    files: diskFiles(paths, host.policyFile),
    commandLine: commandLineValues(settingsOfOptions(options)),
    clock: systemClock
  })
  for (const problem of settings.problems())
    output.note(
      `larder: ${describeProblem(problem)}${problem.inForce === 'last-good' ? '; what it said before stays in force' : ''}`
    )
  for (const { name, author, place } of settings.list().filter(isOverruled))
    output.note(`larder: ${name} on the command line has no effect: it is locked by ${author?.by ?? place}`)
  if (options.fleetKey !== undefined && process.argv.some((word) => word.includes(options.fleetKey!)))
    output.note(
      'larder: every user of this PC sees the site key in the list of processes; give --fleet-key-file or LARDER_FLEET_KEY'
    )
  const ui = settings.current.ui.browser

  const told = toldToStop()
  const running = await runLocalAgent({
    dataDir: paths.root,
    settings,
    createAgent,
    ...(options.machine && { machine: { place }, installer: packageInstaller(paths.root) }),
    ...(options.name !== undefined && { name: options.name }),
    ...(ui && { ui: { rendererDir: rendererDir(), settings: new SettingsBook(() => settings, null) } })
  })
  const { agentId, name, ports } = running.agent.snapshot()
  output.result(
    {
      ready: true,
      pid: process.pid,
      apiPort: running.apiPort,
      peerPort: ports.peer,
      ...(running.gatewayPort !== null && { gatewayPort: running.gatewayPort }),
      id: agentId,
      dataDir: running.paths.root,
      ...(ui && { ui: true })
    },
    () =>
      `Larder ${LARDER_VERSION} is ready as ${name}: local API on 127.0.0.1:${running.apiPort}, ${ports.peer === null ? 'no peers' : `peers on port ${ports.peer}`}${running.gatewayPort === null ? '' : `, gateway on 127.0.0.1:${running.gatewayPort}`}, data in ${running.paths.root}`
  )
  // The link itself is never said here: what an agent says is often kept in a journal.
  if (ui) output.note('`larder ui` opens its window in the browser')
  await told
  await running.stop()
}

/** Two agents for one user would share nothing. Naming a data folder asks for one. @throws AGENT_ALREADY_RUNNING */
async function assertNoMachineAgent(options: AgentOptions, { machinePlace: place }: CliHost): Promise<void> {
  const { address } = await findAgent({
    ...(options.dataDir !== undefined && { dataDir: options.dataDir }),
    ...(place !== undefined && { machinePlace: place })
  })
  if (address?.machine)
    throw new LarderError('AGENT_ALREADY_RUNNING', `The agent of this PC serves you (process ${address.pid})`, {
      pid: address.pid
    })
}

/** The command line sets it, and the policy has locked it. */
function isOverruled({ strength, candidates }: SettingDetails): boolean {
  return strength === 'locked' && candidates.some((candidate) => candidate.strength === 'command-line')
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
        if (performance.now() - firstMs > SAME_SIGNAL_MS) leave(TOLD_TWICE)
        setTimeout(() => leave(errorTable.TIMEOUT.exit), LEAVE_MS).unref()
        settle()
      })
    }
  })
}
